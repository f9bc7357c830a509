/// Makes a module's next version of its current one and a round's aggregate (Reddi et al., 2021, "Adaptive Federated
/// Optimization", algorithm 2).
///
/// An optimizer is one file: its definition for policies, its parameters, what it remembers and its step.
/// ``PolicyVocabulary`` lists those there are.
public protocol ServerOptimizer: Sendable {
    /// What policies say of it: name, parameters, help text.
    static var definition: MethodDefinition { get }

    /// The optimizer with parameters.
    ///
    /// - Parameter values: Checked against the ``definition``.
    init(_ values: ParameterValues)

    /// What it remembers of each weight, and what that begins with.
    var moments: [Moment] { get }

    /// Makes a step with some weights.
    ///
    /// - Parameters:
    ///   - base: The current version's.
    ///   - values: The aggregate's, as many; the next version's afterwards.
    ///   - moments: What is remembered of each weight, in the order of ``moments``.
    func step(_ base: [Double], _ values: inout [Double], _ moments: inout [[Double]])
}

/// Something that an optimizer remembers of each weight.
public struct Moment: Sendable, Hashable {
    /// What its tensors are called, before a dot and the weights' name.
    public var name: String
    /// What it begins with.
    public var start: Double

    public init(_ name: String, start: Double) {
        self.name = name
        self.start = start
    }
}

extension ServerOptimizer {
    /// The name in policies and in `eclm.optimizer_states`.
    public var name: String { Self.definition.name }
}

/// What the steps of all optimizers have in common.
enum Step {
    static func learningRate(_ standard: Double) -> Parameter {
        Parameter("learning_rate", 1e-12...1e6, standard: standard, "the length of a step")
    }

    private static let largest = Double.greatestFiniteMagnitude

    /// How far the aggregate is from the version: two finite weights may lie farther apart than numbers reach.
    @inline(__always)
    static func change(from base: Double, to value: Double) -> Double { min(max(value - base, -largest), largest) }

    /// The square of a change, as large as numbers reach.
    @inline(__always)
    static func square(_ change: Double) -> Double { min(change * change, largest) }

    /// A weight that does not move keeps its very bits, the sign of zero included.
    @inline(__always)
    static func moved(_ base: Double, by move: Double) -> Double { move == 0 ? base : base + move }
}
