import PostgreSQL

/// The registry layer's error: a code that a program acts on and a message that tells a person what to do next.
public struct RegistryError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is; the canonical gRPC statuses that apply here.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code in words.
        public let description: String

        /// The request itself is wrong, whatever the registry holds.
        public static let invalidArgument = Code(description: "invalid argument")
        /// A named thing does not exist.
        public static let notFound = Code(description: "not found")
        /// A thing of that name exists with other content.
        public static let alreadyExists = Code(description: "already exists")
        /// The registry's state forbids it: a withdrawn base, an incomplete release.
        public static let failedPrecondition = Code(description: "failed precondition")
        /// Somebody else changed the same thing meanwhile: read again and repeat.
        public static let aborted = Code(description: "aborted")
        /// The database role may not do this.
        public static let permissionDenied = Code(description: "permission denied")
        /// A limit, or the disk.
        public static let resourceExhausted = Code(description: "resource exhausted")
        /// The database cannot be reached; nothing was changed.
        public static let unavailable = Code(description: "unavailable")
        /// Stored bytes do not match their digest.
        public static let dataLoss = Code(description: "data loss")
        /// The caller gave up.
        public static let cancelled = Code(description: "cancelled")
        /// A fault of this program.
        public static let `internal` = Code(description: "internal error")
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

    /// Code and message, and the cause where there is one: for logs.
    public var description: String { "\(code): \(message)" + (cause.map { " (cause: \($0))" } ?? "") }
}
