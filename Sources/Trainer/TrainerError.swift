import Aggregation
import Registry

/// The trainer's error: a code that a program acts on and a message that tells a person what to do next.
public struct TrainerError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// The policy or the connections cannot work.
        public static let invalidPolicy = Code(description: "invalid policy")
        /// There is no such model, or the model has no such channel.
        public static let notFound = Code(description: "not found")
        /// Weights given for an aggregation in memory cannot be used.
        public static let invalidWeights = Code(description: "invalid weights")
        /// Others kept changing the same rows; nothing was changed here, and a later round may succeed.
        public static let conflict = Code(description: "conflict")
        /// The database cannot be reached, or is at a limit; nothing was changed.
        public static let unavailable = Code(description: "unavailable")
        /// The database role lacks a right.
        public static let permissionDenied = Code(description: "permission denied")
        /// The registry itself is not in order: its schema, or the stored bytes of a released version.
        public static let registryUnfit = Code(description: "registry unfit")
        /// The trainer was told to stop.
        public static let cancelled = Code(description: "cancelled")
        /// The round failed for a reason of its own content, or through a fault of this program.
        public static let roundFailed = Code(description: "round failed")
    }

    /// The kind of failure.
    public var code: Code
    /// What went wrong and what to do next.
    public var message: String
    /// The error underneath, where there is one.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Code and message.
    public var description: String { "\(code): \(message)" }

    /// The registry's failure as the trainer sees it.
    public init(_ error: RegistryError) {
        if let inner = error.cause as? TrainerError {
            self = inner
            return
        }
        if let inner = error.cause as? AggregationError, inner.code == .unfitVersion {
            self.init(.registryUnfit, inner.message, cause: inner.cause)
            return
        }
        let code: Code =
            switch error.code {
            case .notFound: .notFound
            case .aborted: .conflict
            case .unavailable, .resourceExhausted: .unavailable
            case .permissionDenied: .permissionDenied
            case .cancelled: .cancelled
            case .dataLoss: .registryUnfit
            case .failedPrecondition: error.isFaultOfContent ? .roundFailed : .registryUnfit
            default: .roundFailed
            }
        self.init(code, error.message, cause: error)
    }
}
