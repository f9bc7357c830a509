/// Why a composition problem was refused before any search.
public struct CompositionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of mistake in the problem.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code's stable name.
        public var rawValue: String

        /// A code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// No layers, or more than ``CompositionProblem/maximumLayers``.
        public static let layerCount = Code(rawValue: "layer_count")
        /// More candidates than ``CompositionProblem/maximumCandidates``.
        public static let candidateCount = Code(rawValue: "candidate_count")
        /// A candidate names a layer that the model does not have.
        public static let unknownLayer = Code(rawValue: "unknown_layer")
        /// An importance is negative, not finite or above ``CompositionProblem/maximumImportance``.
        public static let importance = Code(rawValue: "importance")
        /// A cost is negative or above ``CompositionProblem/maximumCost``.
        public static let cost = Code(rawValue: "cost")
        /// A budget is negative.
        public static let budget = Code(rawValue: "budget")
        /// The minimum of modules in each layer is negative or above ``CompositionProblem/maximumCandidates``.
        public static let minimum = Code(rawValue: "minimum")
        /// A sum leaves 64 bits.
        public static let overflow = Code(rawValue: "overflow")
    }

    /// The kind of mistake.
    public var code: Code
    /// What is wrong, and what to do about it.
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// Code and message in one line.
    public var description: String { "\(code.rawValue): \(message)" }
}
