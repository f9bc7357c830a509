import CTorch

/// An array of float32 numbers (or int64 indices) with a shape, and a record of how it came about, which gradients are
/// computed from.
///
/// A tensor is libtorch's, behind a reference. It is not `Sendable`: it stays in the isolation that made it, as what
/// leaves are its values (``scalars()``, ``copyBytes(into:)``). Every operation throws a ``LearningError`` of code
/// ``LearningError/Code/tensor`` with libtorch's reason. Dimensions are counted from 0, or backwards from -1.
///
/// - Making: ``init(_:shape:)``, ``init(indices:)``, ``init(bytes:shape:)``, ``zeros(_:)``, ``full(_:_:)``
/// - Reading: ``shape``, ``scalars()``, ``item()``, ``copyBytes(into:)``
/// - Gradients: ``requireGradient()``, ``backward()``, ``gradient()``, ``withoutGradient(_:)``
public final class Tensor {
    let handle: ct_tensor

    /// Takes over a handle, which is released with this object.
    init(owning handle: ct_tensor) {
        self.handle = handle
    }

    deinit { ct_release(handle) }

    /// The sizes along each dimension; empty for a single number.
    public var shape: [Int] {
        var rank = 0
        let sizes = ct_shape(handle, &rank)
        return Array(UnsafeBufferPointer(start: sizes, count: rank))
    }

    /// How many values there are: the product of the shape.
    public var count: Int { ct_count(handle) }
}

extension Tensor: CustomStringConvertible {
    /// The shape, not the values.
    public var description: String { "Tensor\(shape)" }
}
