public import ECLMCore

/// Why a development registry cannot start, or ended.
public struct DevelopmentError: CodedError {
    public var code: Code
    public var message: String
    /// What to do next.
    public var hint: String?
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        (self.code, self.message, self.hint) = (code, message, hint)
        self.cause = Self.flattened(cause, under: code)
    }

    /// The kinds of ``DevelopmentError``.
    public struct Code: ErrorCode {
        public let name: String
        public let exitStatus: ExitStatus

        /// A program that is needed is not installed.
        public static let missingProgram = Code(name: "missing_program", exitStatus: .failure)
        /// The data directory cannot be used.
        public static let unusableDirectory = Code(name: "unusable_directory", exitStatus: .failure)
        /// Another one uses the same data directory.
        public static let alreadyRunning = Code(name: "already_running", exitStatus: .refused)
        /// A program did not come up.
        public static let startFailed = Code(name: "start_failed", exitStatus: .failure)
        /// A program ended by itself.
        public static let programEnded = Code(name: "program_ended", exitStatus: .failure)
    }
}

extension DevelopmentError {
    public var failureHint: String? { hint }
}
