/// Federated averaging with server momentum (Hsu et al., 2019): with x the current version, w the aggregate and d = w - x,
/// element by element, m ← momentum · m + d and x' = x + learning_rate · m. m begins with 0.
public struct FedAvgM: ServerOptimizer {
    public static let definition = MethodDefinition(
        "fedavgm", "the changes of earlier rounds go on (federated averaging with server momentum)",
        [rateParameter, momentumParameter])

    private static let rateParameter = Step.learningRate(1)
    private static let momentumParameter = Parameter(
        "momentum", 0...0.999999, standard: 0.9, "how much of the last step the next one has")

    private let learningRate: Double
    private let momentum: Double

    public init(_ values: ParameterValues) {
        learningRate = values.number(Self.rateParameter)
        momentum = values.number(Self.momentumParameter)
    }

    public var moments: [Moment] { [Moment("m", start: 0)] }

    public func step(_ base: [Double], _ values: inout [Double], _ moments: inout [[Double]]) {
        for position in base.indices {
            let first = momentum * moments[0][position] + Step.change(from: base[position], to: values[position])
            moments[0][position] = first
            values[position] = Step.moved(base[position], by: learningRate * first)
        }
    }
}
