import CTorch

extension Tensor {
    /// The sum of all values, as a tensor of one.
    public func sum() throws -> Tensor { try made(ct_sum(handle)) }

    /// The mean of all values, as a tensor of one.
    public func mean() throws -> Tensor { try made(ct_mean(handle)) }

    /// The sums along dimensions, which vanish, or stay with length 1. An empty list is all of them.
    public func sum(dimensions: [Int], keep: Bool = false) throws -> Tensor {
        try made(ct_sum_over(handle, dimensions, dimensions.count, keep))
    }

    /// The means along dimensions, which vanish, or stay with length 1. An empty list is all of them.
    public func mean(dimensions: [Int], keep: Bool = false) throws -> Tensor {
        try made(ct_mean_over(handle, dimensions, dimensions.count, keep))
    }

    /// The variances along dimensions, as the mean squared distance from the mean (divided by n, not n - 1).
    public func variance(dimensions: [Int], keep: Bool = false) throws -> Tensor {
        try made(ct_variance_over(handle, dimensions, dimensions.count, keep))
    }

    /// The largest values along a dimension, which vanishes; the gradient goes to one of them.
    public func maximum(dimension: Int) throws -> Tensor { try made(ct_maximum(handle, dimension)) }

    /// The indices of the largest values along a dimension, row by row; the lowest of equal ones.
    public func argmax(dimension: Int) throws -> [Int] { try made(ct_argmax(handle, dimension)).integers() }
}
