public import ECLMCore

/// Why there is no answer to a composition query: a mistake in it, or a search that was cut too early.
public struct CompositionError: CodedError {
    /// What is wrong.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The device cannot run a module that every sub-model carries.
        public static let incompatible = Code(name: "incompatible", exitStatus: .refused)
        /// The limits cut the search before it had found a sub-model or proved that there is none.
        public static let undecided = Code(name: "undecided", exitStatus: .unavailable)
        /// The model has no module layers.
        public static let noLayers = Code(name: "no_layers", exitStatus: .refused)
        /// No layers, or more than ``CompositionProblem/maximumLayers``.
        public static let layerCount = Code(name: "layer_count", exitStatus: .refused)
        /// More candidates than ``CompositionProblem/maximumCandidates``.
        public static let candidateCount = Code(name: "candidate_count", exitStatus: .refused)
        /// A candidate names a layer that the model does not have.
        public static let unknownLayer = Code(name: "unknown_layer", exitStatus: .refused)
        /// An importance is negative, not finite or above ``CompositionProblem/maximumImportance``, or there are more or
        /// fewer of them than modules.
        public static let importance = Code(name: "importance", exitStatus: .refused)
        /// A cost is negative or above ``CompositionProblem/maximumCost``.
        public static let cost = Code(name: "cost", exitStatus: .refused)
        /// A budget is negative.
        public static let budget = Code(name: "budget", exitStatus: .refused)
        /// The minimum of modules in each layer is negative or above ``CompositionProblem/maximumCandidates``.
        public static let minimum = Code(name: "minimum", exitStatus: .refused)
        /// A sum leaves 64 bits.
        public static let overflow = Code(name: "overflow", exitStatus: .refused)
    }

    /// The kind of mistake.
    public var code: Code
    /// What is wrong, and what to do about it.
    public var message: String
    /// None: nothing lies below.
    public var cause: (any Error)? { nil }

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
