/// The numbers of the adaptive optimizers, and their step: m ← beta1 · m + (1 - beta1) · d, v as each has it, and
/// x' = x + learning_rate · m / (√v + tau). m begins with 0 and v with tau².
struct AdaptiveStep: Sendable, Hashable {
    static let parameters: [Parameter] = [rateParameter, beta1Parameter, beta2Parameter, tauParameter]

    private static let rateParameter = Step.learningRate(0.01)
    private static let beta1Parameter = Parameter(
        "beta1", 0...0.999999, standard: 0.9, "how much of the mean of the changes a round keeps")
    private static let beta2Parameter = Parameter(
        "beta2", 0...0.999999, standard: 0.99, "how much of the mean of their squares a round keeps")
    private static let tauParameter = Parameter(
        "tau", 1e-12...1e6, standard: 1e-3, "bounds how large the step of a weight becomes that hardly changes")

    let learningRate: Double
    let beta1: Double
    let beta2: Double
    let tau: Double

    init(_ values: ParameterValues) {
        learningRate = values.number(Self.rateParameter)
        beta1 = values.number(Self.beta1Parameter)
        beta2 = values.number(Self.beta2Parameter)
        tau = values.number(Self.tauParameter)
    }

    var moments: [Moment] { [Moment("m", start: 0), Moment("v", start: tau * tau)] }

    /// - Parameter second: The next v of the last one and the square of the change.
    @inline(__always)
    func step(
        _ base: [Double], _ values: inout [Double], _ moments: inout [[Double]],
        _ second: (_ last: Double, _ square: Double) -> Double
    ) {
        for position in base.indices {
            let change = Step.change(from: base[position], to: values[position])
            let first = beta1 * moments[0][position] + (1 - beta1) * change
            let variance = second(moments[1][position], Step.square(change))
            moments[0][position] = first
            moments[1][position] = variance
            values[position] = Step.moved(base[position], by: learningRate * first / (variance.squareRoot() + tau))
        }
    }
}
