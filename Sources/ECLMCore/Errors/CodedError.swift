/// The one shape of a layer's error: a code for programs, a message for people, and the error behind it.
///
/// Initialisers keep ``flattened(_:under:)`` of a cause, so that an error that passes through several functions of one
/// layer does not nest into itself.
public protocol CodedError: ExitStatusConvertible, CustomStringConvertible, Sendable {
    associatedtype Code: ErrorCode

    var code: Code { get }
    /// What happened and what to do next, for a person.
    var message: String { get }
    var cause: (any Error)? { get }
}

extension CodedError {
    /// Code, message and cause in one line, for logs.
    public var description: String {
        let text = "\(code): \(message)"
        return cause.map { "\(text) (cause: \($0))" } ?? text
    }

    public var exitStatus: ExitStatus { code.exitStatus }
    public var failureCode: String { code.name }
    public var failureMessage: String { message }

    /// What an error of the kind `code` keeps as its cause: an error of the same type and kind says nothing new, so its
    /// own cause is kept instead.
    public static func flattened(_ cause: (any Error)?, under code: Code) -> (any Error)? {
        guard let nested = cause as? Self, nested.code == code else { return cause }
        return nested.cause
    }
}
