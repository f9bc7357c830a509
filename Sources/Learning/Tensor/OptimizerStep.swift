import CTorch

/// Single steps of optimisation, which change a parameter and the optimiser's state for it in place and unrecorded, in
/// one pass over memory. The state is the caller's: tensors of the parameter's shape that start as zeros. All are
/// float32, and contiguous but for the gradient.
public enum OptimizerStep {
    /// Stochastic gradient descent: d = gradient + weightDecay · parameter; with a buffer, buffer = momentum · buffer + d
    /// and d = buffer; parameter -= rate · d (Sutskever et al., 2013, as libtorch has it, without dampening).
    public static func sgd(
        parameter: Tensor, gradient: Tensor, momentumBuffer: Tensor? = nil, rate: Double, momentum: Double = 0,
        weightDecay: Double = 0
    ) throws {
        guard momentum == 0 || momentumBuffer != nil else {
            throw LearningError(.tensor, "a step with momentum needs the buffer that carries it")
        }
        try check(
            ct_sgd_step(
                parameter.handle, gradient.handle, momentumBuffer?.handle, Float(rate), Float(momentum),
                Float(weightDecay)))
    }

    /// Adam (Kingma and Ba, 2015) with bias correction for `step`, counted from 1, and weight decay apart from the
    /// gradient (Loshchilov and Hutter, 2019): the parameter shrinks by rate · weightDecay.
    public static func adam(
        parameter: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: Int, rate: Double,
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) throws {
        guard step >= 1, (0..<1).contains(beta1), (0..<1).contains(beta2) else {
            throw LearningError(
                .tensor, "Adam needs a step from 1 and betas from 0 to below 1, not \(step), \(beta1) and \(beta2)")
        }
        try check(
            ct_adam_step(
                parameter.handle, gradient.handle, first.handle, second.handle, step, rate, beta1, beta2, epsilon,
                weightDecay))
    }
}
