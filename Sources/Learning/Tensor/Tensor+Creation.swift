import CTorch

extension Tensor {
    /// A float32 tensor of these values, row by row (the last dimension runs fastest).
    public convenience init(_ values: [Float], shape: [Int]) throws {
        let handle = try values.withUnsafeBytes { try Tensor.handle(bytes: $0, shape: shape) }
        self.init(owning: handle)
    }

    /// A float32 tensor of the values in these bytes, which are copied: row by row, each in the machine's byte order
    /// (little-endian, as in safetensors). The bytes need no alignment.
    public convenience init(bytes: UnsafeRawBufferPointer, shape: [Int]) throws {
        self.init(owning: try Tensor.handle(bytes: bytes, shape: shape))
    }

    /// A vector of int64 indices.
    public convenience init(indices: [Int]) throws {
        guard let handle = ct_from_indices(indices, indices.count) else { throw lastTensorError() }
        self.init(owning: handle)
    }

    /// A float32 tensor of zeros.
    public static func zeros(_ shape: [Int]) throws -> Tensor { try full(shape, 0) }

    /// A float32 tensor that holds one value everywhere.
    public static func full(_ shape: [Int], _ value: Float) throws -> Tensor {
        try made(ct_full(shape, shape.count, value))
    }

    private static func handle(bytes: UnsafeRawBufferPointer, shape: [Int]) throws -> ct_tensor {
        var size = MemoryLayout<Float>.size
        for length in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow else {
                throw LearningError(.tensor, "a tensor cannot have the shape \(shape)")
            }
            size = product
        }
        guard bytes.count == size else {
            throw LearningError(.tensor, "\(bytes.count) bytes are not the \(size) of float32 of the shape \(shape)")
        }
        guard let handle = ct_from_floats(bytes.baseAddress, shape, shape.count) else { throw lastTensorError() }
        return handle
    }
}
