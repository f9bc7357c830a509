public import ECLMCore

/// Why something in learning did not happen: an operation on tensors, a model's description, its data or its budget.
public struct LearningError: CodedError {
    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }

    /// The kinds of ``LearningError``.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// An operation refused its tensors: shapes that do not go together, an index out of bounds, no memory left.
        public static let tensor = Code(name: "tensor", exitStatus: .failure)
        /// A model's description contradicts itself, or asks for what there is not.
        public static let specification = Code(name: "specification", exitStatus: .refused)
        /// Data do not fit the model or the task.
        public static let data = Code(name: "data", exitStatus: .refused)
        /// Training ran into numbers that are not finite.
        public static let diverged = Code(name: "diverged", exitStatus: .failure)
        /// A stored model or training state cannot be read, or is not this model's.
        public static let checkpoint = Code(name: "checkpoint", exitStatus: .refused)
        /// Nothing fits the resources that are allowed.
        public static let budget = Code(name: "budget", exitStatus: .infeasible)
        /// A solver found no solution, or not in its time.
        public static let solver = Code(name: "solver", exitStatus: .failure)
    }
}

extension LearningError {
    public var failureHint: String? {
        code == .diverged ? "nothing was submitted; try again with a lower --rate" : nil
    }
}
