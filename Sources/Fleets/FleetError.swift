public import ECLMCore

/// What stops a fleet that is played against a registry.
public struct FleetError: CodedError {
    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }

    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// The settings contradict themselves, or ask for more devices than the data has.
        public static let inconsistent = Code(name: "inconsistent", exitStatus: .refused)
        /// The registry's address is none.
        public static let unavailable = Code(name: "unavailable", exitStatus: .unavailable)
    }
}
