public import ECLMCore
import RPC

/// Why something a device wanted did not happen.
public struct EdgeError: CodedError {
    public var code: Code
    public var message: String
    /// The error behind this one: an `RPCError`, an ``InfeasibleComposition``, a `SafetensorsError`, …
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }

    /// The kinds of ``EdgeError``; a struct, since the registry may come to answer in new ways.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The registry cannot be reached, is overloaded, or did not answer in time.
        public static let unavailable = Code(name: "unavailable", exitStatus: .unavailable)
        /// Something that was named does not exist.
        public static let notFound = Code(name: "not_found", exitStatus: .notFound)
        /// The registry knows nobody by this credential, or they may not do this.
        public static let denied = Code(name: "denied", exitStatus: .refused)
        /// The registry or this device refuses the request as it is.
        public static let refused = Code(name: "refused", exitStatus: .refused)
        /// No sub-model fits the budget; the cause is an ``InfeasibleComposition``.
        public static let infeasible = Code(name: "infeasible", exitStatus: .infeasible)
        /// Bytes are not those that their digest names.
        public static let damaged = Code(name: "damaged", exitStatus: .verificationFailed)
        /// The disk is full, or a quota or a file size limit is reached.
        public static let storageFull = Code(name: "storage_full", exitStatus: .failure)
        /// The operating system refused to read or write.
        public static let inputOutput = Code(name: "input_output", exitStatus: .failure)
        /// The state directory or a sub-model's directory does not hold what is needed.
        public static let invalidState = Code(name: "invalid_state", exitStatus: .refused)
        /// Trained weights do not fit the sub-model they claim to come from.
        public static let invalidWeights = Code(name: "invalid_weights", exitStatus: .refused)
        /// The task was cancelled.
        public static let cancelled = Code(name: "cancelled", exitStatus: .failure)
        /// The registry failed, or answered what this client does not understand.
        public static let registryFailed = Code(name: "registry_failed", exitStatus: .failure)
    }
}

extension EdgeError {
    /// Whether the registry's state has moved on from what the request was made for, such as a base release that was
    /// rolled back: pull again and do the work once more.
    public var isOutdated: Bool { (cause as? RPCError)?.status == .failedPrecondition }

    /// Whether the registry said no and certainly did nothing.
    var isRefusal: Bool { [.notFound, .denied, .refused].contains(code) }

    /// A failed call, as a device sees it.
    init(_ error: RPCError, calling method: String) {
        let code: Code =
            switch error.status {
            case .notFound: .notFound
            case .unauthenticated, .permissionDenied: .denied
            case .invalidArgument, .failedPrecondition, .alreadyExists, .outOfRange, .resourceExhausted, .badRequest:
                .refused
            case .dataLoss: .damaged
            case .cancelled: .cancelled
            case .timedOut, .connectionFailed, .overcrowded, .connectionClosed, .shuttingDown, .overloaded,
                .unavailable, .aborted:
                .unavailable
            default: .registryFailed
            }
        self.init(code, "\(method): \(error.message)", cause: error)
    }
}

extension EdgeError {
    public var failureHint: String? {
        switch code {
        case .unavailable: "check the endpoint and that registryd runs there, then try again"
        case .denied: "check that this state directory's device is registered at this registry"
        case .infeasible: infeasibility.map { "shortfall: \($0.summary)" }
        default: nil
        }
    }

    public var failureDetails: (any Encodable & Sendable)? { infeasibility }

    private var infeasibility: InfeasibilityReport? {
        (cause as? InfeasibleComposition).map { InfeasibilityReport($0) }
    }
}
