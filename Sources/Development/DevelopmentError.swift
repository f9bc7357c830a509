/// Why a development registry cannot start, or ended.
public struct DevelopmentError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for programs.
    public var code: Code
    /// What went wrong, for people.
    public var message: String
    /// What to do next.
    public var hint: String?
    /// The error underneath, where there is one.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// The message.
    public var description: String { message }

    /// The kinds of ``DevelopmentError``.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// A program that is needed is not installed.
        public static let missingProgram = Code(description: "missing_program")
        /// The data directory cannot be used.
        public static let unusableDirectory = Code(description: "unusable_directory")
        /// Another one uses the same data directory.
        public static let alreadyRunning = Code(description: "already_running")
        /// A program did not come up.
        public static let startFailed = Code(description: "start_failed")
        /// A program ended by itself.
        public static let programEnded = Code(description: "program_ended")
    }
}
