public import ECLMCore

/// What went wrong between this process and PostgreSQL.
///
/// Parameter values are never kept: a statement's text shows `$1`, `$2`, ... The server's own ``detail`` may quote values
/// of the row at fault (`Key (id)=(7) already exists`); ``description`` therefore leaves it out.
public struct PostgresError: CodedError {
    /// What kind of failure this is; what programs should look at.
    public var code: Code
    /// The five characters of the server's SQLSTATE, where the server reported the error.
    public var sqlState: String?
    /// What happened and, where there is something to do, what to do next.
    public var message: String
    /// The server's detail; may quote data.
    public var detail: String?
    /// The server's hint.
    public var hint: String?
    /// The constraint that was violated.
    public var constraint: String?
    /// The table at fault.
    public var table: String?
    /// The column at fault.
    public var column: String?
    /// The statement, with `$n` in place of values.
    public var statement: String?
    /// The position of the failed statement in a pipeline, from 0.
    public var statementIndex: Int?
    /// The error that led to this one.
    public var cause: (any Error)?

    /// An error with the given code and message; everything else is `nil` until set.
    public init(code: Code, message: String, cause: (any Error)? = nil) {
        (self.code, self.message, self.cause) = (code, message, Self.flattened(cause, under: code))
    }

    /// Whether the same transaction or one-shot statement may succeed when simply run again, and nothing was done yet.
    ///
    /// A lost connection is not among them: whether its last statement took effect is unknown, so only a caller that
    /// knows the statement to be safe to repeat may do so.
    public var isRetryable: Bool {
        switch code {
        case .serializationFailure, .deadlock, .planInvalidated, .lockNotAvailable, .connectionFailed,
            .poolExhausted, .acquireTimedOut:
            true
        default: false
        }
    }
}

extension PostgresError {
    /// The code, SQLSTATE, message, hint and statement; no data of the server's.
    public var description: String {
        var text = "\(code)"
        if let sqlState { text += " (SQLSTATE \(sqlState))" }
        text += ": \(message)"
        if let constraint { text += " [constraint \(constraint)]" }
        if let hint { text += "; hint: \(hint)" }
        if let statementIndex { text += "; statement \(statementIndex) of the pipeline" }
        if let statement { text += "; in: \(statement.prefix(500))" }
        if let cause { text += " (cause: \(cause))" }
        return text
    }
}
