/// What stops an experiment.
public struct ExperimentError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public struct Code: Hashable, Sendable {
        /// The code's name.
        public let name: String

        /// The settings contradict themselves, or name what does not exist.
        public static let settings = Code(name: "settings")
        /// The data does not do for the protocol.
        public static let data = Code(name: "data")
        /// A device's budget is too small for any net.
        public static let budget = Code(name: "budget")
        /// A file of the work directory cannot be read or written.
        public static let storage = Code(name: "storage")
        /// What devices returned does not belong together.
        public static let aggregation = Code(name: "aggregation")
    }

    /// The kind of failure.
    public var code: Code
    /// What happened and what to do next.
    public var message: String
    /// The error behind it.
    public var cause: (any Error)?

    /// An error from its parts.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, and the cause where there is one.
    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
