/// Why something in learning did not happen: an operation on tensors, a model's description, its data or its budget.
public struct LearningError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure.
    public var code: Code
    /// What happened and what to do next, for a person.
    public var message: String
    /// The error behind this one, where there is one.
    public var cause: (any Error)?

    /// A cause of the same kind is flattened: its own cause is kept instead.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        if let nested = cause as? LearningError, nested.code == code {
            self.cause = nested.cause
        } else {
            self.cause = cause
        }
    }

    /// The message.
    public var description: String { message }

    /// The kinds of ``LearningError``.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// An operation refused its tensors: shapes that do not go together, an index out of bounds, no memory left.
        public static let tensor = Code(description: "tensor")
        /// A model's description contradicts itself, or asks for what there is not.
        public static let specification = Code(description: "specification")
        /// Data do not fit the model or the task.
        public static let data = Code(description: "data")
        /// Training ran into numbers that are not finite.
        public static let diverged = Code(description: "diverged")
        /// A stored model or training state cannot be read, or is not this model's.
        public static let checkpoint = Code(description: "checkpoint")
        /// Nothing fits the resources that are allowed.
        public static let budget = Code(description: "budget")
        /// A solver found no solution, or not in its time.
        public static let solver = Code(description: "solver")
    }
}
