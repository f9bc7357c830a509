import CTorch

/// Functions of every value, and softmax along a dimension.
extension Tensor {
    /// max(x, 0).
    public func relu() throws -> Tensor { try made(ct_relu(handle)) }

    /// max(x, 0) written over the values, which saves their memory; returns this tensor. What is recorded must not need
    /// the values from before, and a tensor that requires a gradient itself cannot be changed.
    @discardableResult
    public func reluInPlace() throws -> Tensor {
        try check(ct_relu_in_place(handle))
        return self
    }

    /// x Φ(x) by the error function, not its tanh approximation (Hendrycks and Gimpel, 2016).
    public func gelu() throws -> Tensor { try made(ct_gelu(handle)) }

    /// The hyperbolic tangent.
    public func tanh() throws -> Tensor { try made(ct_tanh(handle)) }

    /// ln(1 + e^x); x itself above 20.
    public func softplus() throws -> Tensor { try made(ct_softplus(handle)) }

    /// e^x over the sum of e^x along a dimension.
    public func softmax(dimension: Int) throws -> Tensor { try made(ct_softmax(handle, dimension)) }

    /// The logarithm of ``softmax(dimension:)``, without its loss of digits.
    public func logSoftmax(dimension: Int) throws -> Tensor { try made(ct_log_softmax(handle, dimension)) }

    /// Φ(x), the distribution function of the standard normal distribution: the probability that noise leaves a module
    /// among the chosen ones, in the selector's load-balancing term.
    public func standardNormalCDF() throws -> Tensor { try made(ct_standard_normal_cdf(handle)) }
}
