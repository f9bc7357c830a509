import CTorch

extension Tensor {
    /// The slices with these indices along a dimension, in the order of the indices, which may repeat.
    public func selected(dimension: Int, indices: [Int]) throws -> Tensor {
        try made(ct_select_indices(handle, dimension, indices, indices.count))
    }

    /// The values at int64 `indices` along a dimension: for dimension 1, `result[i][j] = self[i][indices[i][j]]`. The
    /// indices have as many dimensions as this tensor, and give the result its shape.
    public func gathered(dimension: Int, indices: Tensor) throws -> Tensor {
        try made(ct_gather(handle, dimension, indices.handle))
    }

    /// The values where `mask` is not 0, and the constant where it is; the mask broadcasts. No gradient flows into what
    /// is masked, also where the constant is infinite.
    public func whereMask(_ mask: Tensor, else constant: Float) throws -> Tensor {
        try made(ct_where_mask(handle, mask.handle, constant))
    }

    /// The indices of the `k` largest values of each row (the last dimension), largest first, equal ones by lowest
    /// index: int64 of the shape `[rows, k]`.
    public func topIndices(_ k: Int) throws -> Tensor { try made(ct_top_indices(handle, k)) }

    /// 1 at the `k` largest values of each row (the last dimension) and 0 elsewhere, with ties as in ``topIndices(_:)``;
    /// in the shape of this tensor, without gradient.
    public func topMask(_ k: Int) throws -> Tensor { try made(ct_top_mask(handle, k)) }
}
