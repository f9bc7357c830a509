/// Decides who a new connection belongs to.
///
/// As in brpc, the first request of a connection carries the authentication data. It is verified once and the outcome
/// holds for the connection; what later requests carry is ignored.
public protocol RPCAuthenticator: Sendable {
    /// Verifies the authentication data of a connection.
    /// - Parameters:
    ///   - data: the bytes the first request carried; `nil` when it carried none.
    ///   - peer: where the connection comes from, for logs.
    /// - Throws: ``RPCError`` to refuse: the caller gets that status and message and the connection is closed. Any
    ///   other error refuses with ERPCAUTH and goes to the log.
    func authenticate(_ data: [UInt8]?, peer: String) async throws -> RPCPrincipal
}

/// Accepts everybody as ``RPCPrincipal/anonymous``: for networks that are closed otherwise, and for tests.
public struct AnonymousAuthenticator: RPCAuthenticator {
    /// The authenticator.
    public init() {}

    /// Accepts whatever it is given.
    public func authenticate(_ data: [UInt8]?, peer: String) async throws -> RPCPrincipal { .anonymous }
}
