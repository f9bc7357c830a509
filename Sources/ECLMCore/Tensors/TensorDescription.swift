/// A tensor's name, dtype and shape, without its values.
public struct TensorDescription: Hashable, Sendable, Codable {
    /// The tensor's name within its blob.
    public var name: String
    /// The element type.
    public var dtype: ElementType
    /// The extents, outermost first (row-major); empty for a scalar.
    public var shape: [Int]

    public init(name: String, dtype: ElementType, shape: [Int]) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
    }

    /// The number of elements, or `nil` when the shape has a negative extent or the product overflows.
    public var elementCount: Int? {
        var count = 1
        for extent in shape {
            guard extent >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow { return nil }
            count = product
        }
        return count
    }

    /// The bytes of the values, or `nil` when that overflows.
    public var byteCount: Int? {
        guard let elementCount else { return nil }
        let (product, overflow) = elementCount.multipliedReportingOverflow(by: dtype.byteCount)
        return overflow ? nil : product
    }

    /// Whether name, dtype and shape are the same; of the name, the bytes.
    public static func == (left: Self, right: Self) -> Bool {
        left.dtype == right.dtype && left.shape == right.shape && ExactText(left.name) == ExactText(right.name)
    }

    /// Hashes name, dtype and shape.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(name))
        hasher.combine(dtype)
        hasher.combine(shape)
    }
}
