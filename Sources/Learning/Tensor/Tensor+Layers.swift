import CTorch

/// Matrix products and what layers of networks compute. Images are `[count, channels, height, width]`.
extension Tensor {
    /// x Wᵀ + b over the last dimension: weight `[outputs, inputs]`, bias `[outputs]`.
    public func linear(weight: Tensor, bias: Tensor? = nil) throws -> Tensor {
        try made(ct_linear(handle, weight.handle, bias?.handle))
    }

    /// The cross-correlation with weight `[outputs, channels, height, width]`, plus bias `[outputs]`; stride and padding
    /// (with zeros) for the height and the width.
    public func convolution2D(
        weight: Tensor, bias: Tensor? = nil, stride: [Int] = [1, 1], padding: [Int] = [0, 0]
    ) throws -> Tensor {
        try checkPair(stride, "stride")
        try checkPair(padding, "padding")
        return try made(ct_convolution_2d(handle, weight.handle, bias?.handle, stride, padding))
    }

    /// The mean over windows; the stride is the kernel where it is left out.
    public func averagePool2D(kernel: [Int], stride: [Int]? = nil) throws -> Tensor {
        try checkPair(kernel, "kernel")
        try checkPair(stride ?? kernel, "stride")
        return try made(ct_average_pool_2d(handle, kernel, stride ?? kernel))
    }

    /// Each sample normalised over groups of its channels (Wu and He, 2018), then scaled and shifted by channel.
    public func groupNorm(groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double = 1e-5) throws -> Tensor {
        guard groups > 0 else { throw LearningError(.tensor, "channels cannot be put into \(groups) groups") }
        return try made(ct_group_norm(handle, groups, weight?.handle, bias?.handle, epsilon))
    }

    /// Each channel normalised (Ioffe and Szegedy, 2015), then scaled and shifted: by the given mean and variance, or by
    /// those of the batch where both are nil. Nothing is tracked.
    public func batchNorm(
        weight: Tensor?, bias: Tensor?, mean: Tensor? = nil, variance: Tensor? = nil, epsilon: Double = 1e-5
    ) throws -> Tensor {
        guard (mean == nil) == (variance == nil) else {
            throw LearningError(.tensor, "batch normalisation needs a mean and a variance, or neither")
        }
        return try made(
            ct_batch_norm(handle, weight?.handle, bias?.handle, mean?.handle, variance?.handle, epsilon))
    }
}
