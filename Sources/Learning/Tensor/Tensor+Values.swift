import CTorch

extension Tensor {
    /// All values as float32, row by row.
    public func scalars() throws -> [Float] {
        let count = count
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try check(ct_copy_floats(handle, buffer.baseAddress, count))
            initialized = count
        }
    }

    /// All indices of an int64 tensor, row by row; float values are not indices and are refused.
    public func integers() throws -> [Int] {
        let count = count
        return try [Int](unsafeUninitializedCapacity: count) { buffer, initialized in
            try check(ct_copy_indices(handle, buffer.baseAddress, count))
            initialized = count
        }
    }

    /// Copies all values as float32, row by row, each in the machine's byte order; there must be 4 bytes for each.
    public func copyBytes(into bytes: UnsafeMutableRawBufferPointer) throws {
        guard bytes.count == count * MemoryLayout<Float>.size else {
            throw LearningError(.tensor, "\(bytes.count) bytes are not room for \(count) float32 values")
        }
        try check(ct_copy_floats(handle, bytes.baseAddress, count))
    }

    /// The value of a tensor that holds one.
    public func item() throws -> Float {
        var value: Float = 0
        try check(ct_item(handle, &value))
        return value
    }

    /// Whether no value is infinite or not a number.
    public var isFinite: Bool {
        get throws {
            var value = false
            try check(ct_is_finite(handle, &value))
            return value
        }
    }
}
