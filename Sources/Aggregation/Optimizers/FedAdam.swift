/// Adam at the server (Reddi et al., 2021): v ← beta2 · v + (1 - beta2) · d², with d the change of a weight.
public struct FedAdam: ServerOptimizer {
    public static let definition = MethodDefinition(
        "fedadam", "steps of each weight scaled by how much it changed so far, as Adam does", AdaptiveStep.parameters)

    private let numbers: AdaptiveStep

    public init(_ values: ParameterValues) { numbers = AdaptiveStep(values) }

    public var moments: [Moment] { numbers.moments }

    public func step(_ base: [Double], _ values: inout [Double], _ moments: inout [[Double]]) {
        numbers.step(base, &values, &moments) { last, square in
            numbers.beta2 * last + (1 - numbers.beta2) * square
        }
    }
}
