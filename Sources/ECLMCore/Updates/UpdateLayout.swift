/// Which tensors of an update's file say what of which tensor of the base: the check of its header.
///
/// Of a base tensor `NAME` of a floating-point dtype an update holds
///
/// | encoding | tensors |
/// |---|---|
/// | `full` | `NAME`, as in the base; tensors of other dtypes as well |
/// | `delta` | `NAME` of the base's shape, F32 or of the base's dtype |
/// | `int8_delta` | `NAME` I8 of the base's shape; `NAME#scale` F32, one for each index of the first dimension, or one for the whole tensor (shape `[]`) |
/// | `sparse_delta` | `NAME#gaps` U8 and `NAME#values` F32, both of one dimension; neither where nothing is sent |
///
/// Differences leave out tensors that are no floating-point numbers.
public struct UpdateLayout: Sendable, Hashable {
    /// Where the values of one base tensor are.
    public enum Part: Sendable, Hashable {
        /// In a tensor of floating-point values of the base's shape.
        case values(TensorDescription)
        /// In an I8 tensor, each times its scale; consecutive runs of `run` values share a scale.
        case quantised(values: String, scales: String, run: Int)
        /// In `count` values, whose places the gaps tell.
        case sparse(gaps: String, values: String, count: Int)
    }

    /// What a tensor of the file holds, for the check of its values.
    enum Content: Sendable, Hashable {
        case values(largest: Double)
        case scales(largest: Double)
        case gaps(elements: Int, count: Int)
        case anything
    }

    /// How the file is written.
    public let encoding: UpdateEncoding
    /// Where each floating-point tensor of the base is, by its name. A sparse update may have nothing of a tensor.
    public let parts: [ExactText: Part]
    let contents: [ExactText: Content]

    /// Fits the tensors of a file to those of the base.
    ///
    /// - Throws: ``UpdateError`` with `mismatch` naming the first tensor that does not fit.
    public init(
        of tensors: [TensorDescription], as encoding: UpdateEncoding, onto base: [TensorDescription]
    ) throws {
        self.encoding = encoding
        var fitting = UpdateFitting(tensors)
        for tensor in base {
            guard tensor.dtype.isFloatingPoint || !encoding.isDifference else { continue }
            try encoding.coding.fit(tensor, in: &fitting)
        }
        try fitting.finish()
        parts = fitting.parts
        contents = fitting.contents
    }
}
