public import ECLMCore

/// Why something cannot be aggregated, and what to do about it.
public struct AggregationError: CodedError {
    /// What kind of failure it is.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// A rule, an optimizer or a parameter that cannot work, alone or with another.
        public static let invalidPolicy = Code(name: "invalid_policy", exitStatus: .refused)
        /// There is no rule, optimizer or parameter of that name here.
        public static let unknownMethod = Code(name: "unknown_method", exitStatus: .refused)
        /// Weights given for an aggregation cannot be used.
        public static let invalidWeights = Code(name: "invalid_weights", exitStatus: .refused)
        /// A lineage document says what cannot be.
        public static let invalidLineage = Code(name: "invalid_lineage", exitStatus: .refused)
        /// The stored bytes of a version, or of what an optimizer remembers of it, cannot be used: no update is at fault.
        public static let unfitVersion = Code(name: "unfit_version", exitStatus: .verificationFailed)
        /// Stored bytes are not there, or not what their digest says.
        public static let damagedBytes = Code(name: "damaged_bytes", exitStatus: .verificationFailed)
        /// A fault of this program, or of a rule.
        public static let `internal` = Code(name: "internal", exitStatus: .failure)
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
        self.cause = Self.flattened(cause, under: code)
    }
}

extension AggregationError: StoredBytesError {
    /// Whether stored bytes are missing or wrong.
    public var isDamage: Bool { code == .damagedBytes }
}
