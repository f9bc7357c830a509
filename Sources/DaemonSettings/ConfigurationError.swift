public import ECLMCore

/// Settings that cannot be used.
public struct ConfigurationError: ExitStatusConvertible, CustomStringConvertible {
    /// What is wrong and what would be right.
    public var description: String
    /// Refused.
    public var exitStatus: ExitStatus { .refused }
    /// The description.
    public var failureMessage: String { description }

    /// An error with its message.
    public init(_ description: String) {
        self.description = description
    }
}
