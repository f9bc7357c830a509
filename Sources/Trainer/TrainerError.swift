import Aggregation
public import ECLMCore
import PostgreSQL
public import Registry

/// The trainer's error: a code that a program acts on and a message that tells a person what to do next.
public struct TrainerError: CodedError {
    /// What kind of failure it is.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The policy or the connections cannot work.
        public static let invalidPolicy = Code(name: "invalid_policy", exitStatus: .refused)
        /// There is no such model, or the model has no such channel.
        public static let notFound = Code(name: "not_found", exitStatus: .notFound)
        /// Weights given for an aggregation in memory cannot be used.
        public static let invalidWeights = Code(name: "invalid_weights", exitStatus: .refused)
        /// Others kept changing the same rows; nothing was changed here, and a later round may succeed.
        public static let conflict = Code(name: "conflict", exitStatus: .unavailable)
        /// The database cannot be reached, or is at a limit; nothing was changed.
        public static let unavailable = Code(name: "unavailable", exitStatus: .unavailable)
        /// The database role lacks a right.
        public static let permissionDenied = Code(name: "permission_denied", exitStatus: .refused)
        /// The registry itself is not in order: its schema, or the stored bytes of a released version.
        public static let registryUnfit = Code(name: "registry_unfit", exitStatus: .refused)
        /// The trainer was told to stop.
        public static let cancelled = Code(name: "cancelled", exitStatus: .unavailable)
        /// The database refused what the round was about to write, or this program has a fault.
        public static let roundFailed = Code(name: "round_failed", exitStatus: .failure)
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }

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
        if let stopped = error.cause as? PostgresError,
            [.statementTimedOut, .statementCancelled].contains(stopped.code)
        {
            self.init(
                .unavailable,
                "\(error.message); raise statement_timeout for the trainer's login, or find out who cancels its statements",
                cause: error)
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
            case .failedPrecondition: error.isRefusalOfDatabase ? .roundFailed : .registryUnfit
            default: .roundFailed
            }
        self.init(code, error.message, cause: error)
    }
}

extension TrainerError {
    /// The code's, but for damage that the registry reports, and for failures that only the registry can name.
    public var exitStatus: ExitStatus {
        let inner = cause as? RegistryError
        return switch code {
        case .registryUnfit: inner?.code == .dataLoss ? .verificationFailed : .refused
        case .roundFailed: inner?.exitStatus ?? code.exitStatus
        default: code.exitStatus
        }
    }
}
