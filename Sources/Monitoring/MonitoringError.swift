public import ECLMCore

/// Why metrics cannot be served.
public struct MonitoringError: CodedError {
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The setting is no address.
        public static let invalidAddress = Self(name: "invalid_address", exitStatus: .refused)
        /// The address cannot be had: something else serves there, or it is not this machine's.
        public static let addressUnavailable = Self(name: "address_unavailable", exitStatus: .unavailable)
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = Self.flattened(cause, under: code)
    }
}
