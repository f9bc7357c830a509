/// An error that says how a program that meets it ends.
public protocol ExitStatusConvertible: Error {
    var exitStatus: ExitStatus { get }
    /// The error's kind for programs, in snake_case; the status's name unless given.
    var failureCode: String { get }
    /// What happened, for people, in one sentence.
    var failureMessage: String { get }
    /// What to do next, where that is known and not in the message.
    var failureHint: String? { get }
    /// More for programs, such as the shortfalls of an infeasible composition.
    var failureDetails: (any Encodable & Sendable)? { get }
}

extension ExitStatusConvertible {
    public var failureCode: String { exitStatus.name }
    public var failureHint: String? { nil }
    public var failureDetails: (any Encodable & Sendable)? { nil }
}

extension Error {
    /// What happened, for people: without the code and the causes that an error's `description` adds for logs.
    package var explanation: String {
        switch self {
        case let error as any ExitStatusConvertible: error.failureMessage
        default: "\(self)"
        }
    }
}
