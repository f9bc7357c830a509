/// What stops an experiment or its report, or goes wrong between one of its devices and the cloud.
public struct ExperimentError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public struct Code: Hashable, Sendable {
        /// The code's name.
        public let name: String

        /// The settings contradict themselves, or name what does not exist.
        public static let settings = Code(name: "settings")
        /// The data does not do for the protocol.
        public static let data = Code(name: "data")
        /// A device's share of the full model is too small for any net.
        public static let budget = Code(name: "budget")
        /// A file of the work directory cannot be read or written.
        public static let storage = Code(name: "storage")
        /// What devices returned does not belong together.
        public static let aggregation = Code(name: "aggregation")
        /// The prototype or an update does not hold what its manifest or composition says.
        public static let inconsistent = Code(name: "inconsistent")
        /// No sub-model fits the budget that a device asks for.
        public static let infeasible = Code(name: "infeasible")
        /// The call came out of order: before the publication, or from a device that has not joined.
        public static let notReady = Code(name: "not_ready")
        /// The trainer refused an update, and says why.
        public static let refused = Code(name: "refused")
        /// A service could not be started or reached.
        public static let unavailable = Code(name: "unavailable")
        /// Results contradict themselves: an accuracy above 1, two rows of one name, columns of unlike lengths.
        public static let invalidResults = Code(name: "invalid_results")
        /// A file of results was written in a layout that this version does not read.
        public static let unknownSchema = Code(name: "unknown_schema")
        /// A file cannot be read, or is no file of results.
        public static let unreadable = Code(name: "unreadable")
        /// A file of the report cannot be written.
        public static let output = Code(name: "output")
    }

    /// The kind of failure.
    public var code: Code
    /// What happened and what to do next.
    public var message: String
    /// The error behind it.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, and the cause where there is one.
    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
