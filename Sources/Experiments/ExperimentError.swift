public import ECLMCore

/// What stops an experiment or its report, or goes wrong between one of its devices and the cloud.
public struct ExperimentError: CodedError {
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The settings contradict themselves, or name what does not exist.
        public static let settings = Code(name: "settings", exitStatus: .refused)
        /// The data does not do for the protocol.
        public static let data = Code(name: "data", exitStatus: .refused)
        /// A device's share of the full model is too small for any net.
        public static let budget = Code(name: "budget", exitStatus: .infeasible)
        /// A file of the work directory cannot be read or written.
        public static let storage = Code(name: "storage", exitStatus: .failure)
        /// What devices returned does not belong together.
        public static let aggregation = Code(name: "aggregation", exitStatus: .failure)
        /// The prototype or an update does not hold what its manifest or composition says.
        public static let inconsistent = Code(name: "inconsistent", exitStatus: .refused)
        /// No sub-model fits the budget that a device asks for.
        public static let infeasible = Code(name: "infeasible", exitStatus: .infeasible)
        /// The call came out of order: before the publication, or from a device that has not joined.
        public static let notReady = Code(name: "not_ready", exitStatus: .refused)
        /// The trainer refused an update, and says why.
        public static let refused = Code(name: "refused", exitStatus: .refused)
        /// A service could not be started or reached.
        public static let unavailable = Code(name: "unavailable", exitStatus: .unavailable)
        /// Results contradict themselves: an accuracy above 1, two rows of one name, columns of unlike lengths.
        public static let invalidResults = Code(name: "invalid_results", exitStatus: .failure)
        /// A file of results was written in a layout that this version does not read.
        public static let unknownSchema = Code(name: "unknown_schema", exitStatus: .failure)
        /// A file cannot be read, or is no file of results.
        public static let unreadable = Code(name: "unreadable", exitStatus: .failure)
        /// A file of the report cannot be written.
        public static let output = Code(name: "output", exitStatus: .failure)
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }
}

extension ExperimentError {
    /// The message, and what lies behind it.
    public var failureMessage: String { cause.map { "\(message): \($0.explanation)" } ?? message }
}
