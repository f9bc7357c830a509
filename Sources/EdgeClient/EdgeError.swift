import RPC

/// Why something a device wanted did not happen.
public struct EdgeError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure.
    public var code: Code
    /// What happened and what to do next, for a person.
    public var message: String
    /// The error behind this one: an `RPCError`, an ``InfeasibleComposition``, a `SafetensorsError`, …
    public var cause: (any Error)?

    /// A cause of the same kind is flattened: its own cause is kept instead.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        if let nested = cause as? EdgeError, nested.code == code {
            self.cause = nested.cause
        } else {
            self.cause = cause
        }
    }

    /// The message.
    public var description: String { message }

    /// The kinds of ``EdgeError``; a struct, since the registry may come to answer in new ways.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// The registry cannot be reached, is overloaded, or did not answer in time.
        public static let unavailable = Code(description: "unavailable")
        /// Something that was named does not exist.
        public static let notFound = Code(description: "not_found")
        /// The registry knows nobody by this credential, or they may not do this.
        public static let denied = Code(description: "denied")
        /// The registry or this device refuses the request as it is.
        public static let refused = Code(description: "refused")
        /// No sub-model fits the budget; the cause is an ``InfeasibleComposition``.
        public static let infeasible = Code(description: "infeasible")
        /// Bytes are not those that their digest names.
        public static let damaged = Code(description: "damaged")
        /// The disk is full, or a quota or a file size limit is reached.
        public static let storageFull = Code(description: "storage_full")
        /// The operating system refused to read or write.
        public static let inputOutput = Code(description: "input_output")
        /// The state directory or a sub-model's directory does not hold what is needed.
        public static let invalidState = Code(description: "invalid_state")
        /// Trained weights do not fit the sub-model they claim to come from.
        public static let invalidWeights = Code(description: "invalid_weights")
        /// The task was cancelled.
        public static let cancelled = Code(description: "cancelled")
        /// The registry failed, or answered what this client does not understand.
        public static let registryFailed = Code(description: "registry_failed")
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
