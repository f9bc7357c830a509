/// How a call ended: the `error_code` of the response's metadata.
///
/// A struct and not an enum, because a peer may answer with a code this version has no name for. Codes below 20000 are
/// brpc's own; the others are 20000 plus the canonical gRPC status. docs/protocol.md lists them all.
public struct RPCStatus: Hashable, Sendable {
    /// The number on the wire; 0 is success.
    public var code: Int32

    /// A status from its number on the wire.
    public init(code: Int32) {
        self.code = code
    }

    /// Whether the call succeeded.
    public var isOK: Bool { code == 0 }
}

// MARK: - brpc's own codes

extension RPCStatus {
    /// The call succeeded.
    public static let ok = Self(code: 0)
    /// ENOSERVICE: the server offers no service of this name.
    public static let noSuchService = Self(code: 1001)
    /// ENOMETHOD: the service has no method of this name.
    public static let noSuchMethod = Self(code: 1002)
    /// EREQUEST: the request is malformed or uses something this server does not offer.
    public static let badRequest = Self(code: 1003)
    /// ERPCAUTH: the connection's authentication data was refused; the server closes the connection.
    public static let unauthenticated = Self(code: 1004)
    /// ERPCTIMEDOUT: the call's deadline passed before it was answered.
    public static let timedOut = Self(code: 1008)
    /// EFAILEDSOCKET: no connection could be made, so the request was never sent.
    public static let connectionFailed = Self(code: 1009)
    /// EOVERCROWDED: too many bytes already wait to be sent to this peer, so the request was never sent.
    public static let overcrowded = Self(code: 1011)
    /// EEOF: the connection ended after the request was sent; it may or may not have been carried out.
    public static let connectionClosed = Self(code: 1014)
    /// EINTERNAL: the server failed; its log has the detail.
    public static let internalError = Self(code: 2001)
    /// ERESPONSE: the response is malformed or too large to send.
    public static let badResponse = Self(code: 2002)
    /// ELOGOFF: the server is shutting down and did not carry out the request.
    public static let shuttingDown = Self(code: 2003)
    /// ELIMIT: the server has too many requests in flight and did not carry out this one.
    public static let overloaded = Self(code: 2004)
}

// MARK: - Canonical gRPC codes, from 20000

extension RPCStatus {
    /// A canonical gRPC status as it goes over the wire here.
    /// - Parameter number: the canonical number, 1 to 16.
    public static func canonical(_ number: Int32) -> Self { Self(code: 20_000 + number) }

    /// The caller gave the call up.
    public static let cancelled = canonical(1)
    /// A failure no other code describes.
    public static let unknown = canonical(2)
    /// An argument is wrong whatever the state of the server.
    public static let invalidArgument = canonical(3)
    /// Something the request names does not exist.
    public static let notFound = canonical(5)
    /// Something the request would create exists already.
    public static let alreadyExists = canonical(6)
    /// The caller is known but may not do this.
    public static let permissionDenied = canonical(7)
    /// A quota or budget is spent.
    public static let resourceExhausted = canonical(8)
    /// The state of the server does not allow this now; the caller must change something first.
    public static let failedPrecondition = canonical(9)
    /// A concurrent change got in the way; the caller may start over.
    public static let aborted = canonical(10)
    /// A value lies outside its valid range.
    public static let outOfRange = canonical(11)
    /// The operation exists but is not implemented here.
    public static let unimplemented = canonical(12)
    /// The service cannot answer at the moment.
    public static let unavailable = canonical(14)
    /// Stored or received bytes are lost or corrupt.
    public static let dataLoss = canonical(15)
}
