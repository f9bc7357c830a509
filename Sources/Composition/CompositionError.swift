public import ECLMCore

/// Why there is no answer to a composition query: a mistake in it, or a search that was cut too early.
public struct CompositionError: CodedError {
    /// What is wrong.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        private init(_ name: String, _ exitStatus: ExitStatus = .refused) {
            (self.name, self.exitStatus) = (name, exitStatus)
        }

        /// The device cannot run a module that every sub-model carries.
        public static let incompatible = Code("incompatible")
        /// The limits cut the search before it had found a sub-model or proved that there is none.
        public static let undecided = Code("undecided", .unavailable)
        /// The model has no module layers.
        public static let noLayers = Code("no_layers")
        /// No layers, or more than ``CompositionProblem/maximumLayers``.
        public static let layerCount = Code("layer_count")
        /// More candidates than ``CompositionProblem/maximumCandidates``.
        public static let candidateCount = Code("candidate_count")
        /// A candidate names a layer that the model does not have.
        public static let unknownLayer = Code("unknown_layer")
        /// An importance is negative, not finite or above ``CompositionProblem/maximumImportance``, or there are more or
        /// fewer of them than modules.
        public static let importance = Code("importance")
        /// A cost is negative or above ``CompositionProblem/maximumCost``.
        public static let cost = Code("cost")
        /// A budget is negative.
        public static let budget = Code("budget")
        /// The minimum of modules in each layer is negative or above ``CompositionProblem/maximumCandidates``.
        public static let minimum = Code("minimum")
        /// A sum leaves 64 bits.
        public static let overflow = Code("overflow")
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
