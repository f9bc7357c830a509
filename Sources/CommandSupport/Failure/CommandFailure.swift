public import ECLMCore

/// A failure that the command itself found, with its status.
public struct CommandFailure: ExitStatusConvertible, CustomStringConvertible {
    /// How the command ends.
    public var exitStatus: ExitStatus
    /// What happened, for people.
    public var failureMessage: String
    /// What to do next, where that is known.
    public var failureHint: String?
    /// More for programs.
    public var failureDetails: (any Encodable & Sendable)?

    public init(
        _ status: ExitStatus, _ message: String, hint: String? = nil, details: (any Encodable & Sendable)? = nil
    ) {
        exitStatus = status
        failureMessage = message
        failureHint = hint
        failureDetails = details
    }

    /// The value as people read it.
    public var description: String { failureMessage }
}
