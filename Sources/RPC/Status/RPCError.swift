public import ECLMCore

/// Why a call failed, on either side of the connection.
///
/// A handler throws one to choose the status and the text the caller sees. A caller catches one whatever went wrong:
/// connecting, sending, waiting, or on the server.
public struct RPCError: CodedError {
    /// What kind of failure; never `.ok`.
    public var status: RPCStatus
    /// What happened and what to do next, for a person. It crosses the wire, so it holds no secrets; the server cuts
    /// it to ``maximumMessageBytes``.
    public var message: String
    /// The error behind this one. It never crosses the wire.
    public var cause: (any Error)?

    /// The longest message that crosses the wire, in UTF-8 bytes.
    public static let maximumMessageBytes = 4096

    public init(_ status: RPCStatus, _ message: String, cause: (any Error)? = nil) {
        (self.status, self.message, self.cause) = (status, message, Self.flattened(cause, under: status))
    }

    /// Whether the request was certainly not carried out, so that sending it again is safe whatever the method does.
    public var isRetryable: Bool {
        switch status {
        case .connectionFailed, .overcrowded, .shuttingDown, .overloaded: true
        default: false
        }
    }

    /// Whether the same request may succeed later, though it may already have been carried out: send it again only
    /// when the method is idempotent.
    public var isTransient: Bool {
        switch status {
        case .connectionClosed, .unavailable, .aborted: true
        default: isRetryable
        }
    }
}

extension RPCError {
    public var code: RPCStatus { status }
    /// The exit status's name: the status's own is that of its standard.
    public var failureCode: String { exitStatus.name }
}

extension String {
    /// The longest prefix of at most `limit` UTF-8 bytes that ends between characters.
    func prefix(maximumBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end > startIndex, String.Index(end, within: self) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
