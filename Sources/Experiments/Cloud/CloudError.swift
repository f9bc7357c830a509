/// What goes wrong between a device of an experiment and its cloud.
public struct CloudError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public struct Code: Hashable, Sendable {
        /// The code's name.
        public let name: String

        /// The prototype or an update does not hold what its manifest or composition says.
        public static let inconsistent = Code(name: "inconsistent")
        /// No sub-model fits the budget.
        public static let infeasible = Code(name: "infeasible")
        /// The call came out of order: before the publication, or from a device that has not joined.
        public static let notReady = Code(name: "not_ready")
        /// The trainer refused an update, and says why.
        public static let refused = Code(name: "refused")
        /// A service could not be started or reached.
        public static let unavailable = Code(name: "unavailable")
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
