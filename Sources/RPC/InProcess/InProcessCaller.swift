public import NIOCore

/// Calls a server of the same process without a socket.
///
/// Requests take the whole path of a remote call (frames, limits, authentication, deadlines, drain) through a pipe in
/// memory, so what is tested with it is what runs over TCP. The server need not have been started.
public final class InProcessCaller: RPCCaller {
    private let client: RPCClient

    /// A caller of `server`.
    public init(server: RPCServer, configuration: RPCClientConfiguration = .init()) {
        let connector = InProcessConnector(core: server.core, eventLoopGroup: server.eventLoopGroup)
        client = RPCClient(connectors: [connector], configuration: configuration)
    }

    /// Calls a method and waits for its answer; see ``RPCCaller``.
    /// - Throws: ``RPCError`` only.
    public func call(
        service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, timeout: Duration?
    ) async throws -> RPCResponse {
        try await client.call(
            service: service, method: method, payload: payload, attachment: attachment, timeout: timeout)
    }

    /// Bytes that would have been sent over a network, frame headers included.
    public var bytesSent: Int { client.bytesSent }
    /// Bytes that would have been received over a network, frame headers included.
    public var bytesReceived: Int { client.bytesReceived }
    /// Connections made since the start.
    public var connectionsOpened: Int { client.connectionsOpened }

    /// Ends the connection. Pending calls fail, later ones too.
    public func close() {
        client.close()
    }
}
