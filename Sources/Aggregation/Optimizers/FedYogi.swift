/// Yogi at the server (Reddi et al., 2021): v ← v - (1 - beta2) · d² · sign(v - d²), with d the change of a weight.
public struct FedYogi: ServerOptimizer {
    public static let definition = MethodDefinition(
        "fedyogi", "as fedadam, with a scale that falls slowly, as Yogi does", AdaptiveStep.parameters)

    private let numbers: AdaptiveStep

    public init(_ values: ParameterValues) { numbers = AdaptiveStep(values) }

    public var moments: [Moment] { numbers.moments }

    public func step(_ base: [Double], _ values: inout [Double], _ moments: inout [[Double]]) {
        numbers.step(base, &values, &moments) { last, square in
            last == square ? last : last + (last > square ? -1 : 1) * (1 - numbers.beta2) * square
        }
    }
}
