/// Why results cannot be read, or a report cannot be written.
public struct ReportError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for programs.
    public var code: Code
    /// What went wrong and what to do, for people.
    public var message: String
    /// The error underneath, where there is one.
    public var cause: (any Error)?

    /// An error from its parts.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message.
    public var description: String { message }

    /// The kinds of ``ReportError``.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// The results contradict themselves: an accuracy above 1, two rows of one name, columns of unlike lengths.
        public static let invalidResults = Code(description: "invalid_results")
        /// The file was written in a layout that this version does not read.
        public static let unknownSchema = Code(description: "unknown_schema")
        /// The file cannot be read, or is no file of results.
        public static let unreadable = Code(description: "unreadable")
        /// A file of the report cannot be written.
        public static let output = Code(description: "output")
    }
}
