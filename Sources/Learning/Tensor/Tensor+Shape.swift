import CTorch

extension Tensor {
    /// The same values in another shape of as many; one length may be -1 and is computed. Shares memory where it can.
    public func reshaped(_ shape: [Int]) throws -> Tensor { try made(ct_reshape(handle, shape, shape.count)) }

    /// Two dimensions exchanged. Shares memory.
    public func transposed(_ first: Int, _ second: Int) throws -> Tensor {
        try made(ct_transpose(handle, first, second))
    }

    /// The slices `start..<start + length` along a dimension. Shares memory.
    public func narrowed(dimension: Int, start: Int, length: Int) throws -> Tensor {
        try made(ct_narrow(handle, dimension, start, length))
    }

    /// Every slice along a dimension repeated `count` times in a row: a, a, b, b, ….
    public func repeatedInterleaved(_ count: Int, dimension: Int) throws -> Tensor {
        try made(ct_repeat_interleave(handle, count, dimension))
    }

    /// The same values laid out row by row in memory; this tensor itself where they are.
    public func contiguous() throws -> Tensor { try made(ct_contiguous(handle)) }

    /// The same values in memory of their own, without a record of where they came from.
    public func copy() throws -> Tensor { try made(ct_copy(handle)) }
}
