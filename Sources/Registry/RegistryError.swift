public import ECLMCore
import PostgreSQL

/// The registry layer's error: a code that a program acts on and a message that tells a person what to do next.
public struct RegistryError: CodedError {
    /// What kind of failure it is; the canonical gRPC statuses that apply here.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The request itself is wrong, whatever the registry holds.
        public static let invalidArgument = Code(name: "invalid_argument", exitStatus: .refused)
        /// A named thing does not exist.
        public static let notFound = Code(name: "not_found", exitStatus: .notFound)
        /// A thing of that name exists with other content.
        public static let alreadyExists = Code(name: "already_exists", exitStatus: .refused)
        /// The registry's state forbids it: a withdrawn base, an incomplete release.
        public static let failedPrecondition = Code(name: "failed_precondition", exitStatus: .refused)
        /// Somebody else changed the same thing meanwhile: read again and repeat.
        public static let aborted = Code(name: "aborted", exitStatus: .unavailable)
        /// The database role may not do this.
        public static let permissionDenied = Code(name: "permission_denied", exitStatus: .refused)
        /// A limit, or the disk.
        public static let resourceExhausted = Code(name: "resource_exhausted", exitStatus: .unavailable)
        /// The database cannot be reached; nothing was changed.
        public static let unavailable = Code(name: "unavailable", exitStatus: .unavailable)
        /// Stored bytes do not match their digest.
        public static let dataLoss = Code(name: "data_loss", exitStatus: .verificationFailed)
        /// The caller gave up.
        public static let cancelled = Code(name: "cancelled", exitStatus: .unavailable)
        /// A fault of this program.
        public static let `internal` = Code(name: "internal_error", exitStatus: .failure)
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }
}

extension RegistryError {
    public var failureHint: String? {
        code == .unavailable
            ? "name the database with --database or $ECLM_DATABASE; `registryctl doctor` looks at it more closely" : nil
    }
}
