public import NIOCore
public import NIOPosix
import ProtobufText
import Synchronization

/// Calls methods of one or several servers that offer the same services.
///
/// Calls are multiplexed over a few connections, opened when first needed and reopened after they break. All failures
/// are ``RPCError``. Close it when done; a client let go of closes itself.
public final class RPCClient: RPCCaller {
    /// The configuration it was made with.
    public let configuration: RPCClientConfiguration
    private let pool: ConnectionPool

    /// A client of several servers that offer the same services; calls go to the least loaded connection.
    /// - Parameters:
    ///   - endpoints: at least one.
    ///   - configuration: connections and limits.
    ///   - eventLoopGroup: the threads that move bytes; by default the process's shared ones.
    public convenience init(
        endpoints: [RPCEndpoint], configuration: RPCClientConfiguration = .init(),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        let connectors = endpoints.map { SocketConnector(endpoint: $0, eventLoopGroup: eventLoopGroup) }
        self.init(connectors: connectors, configuration: configuration)
    }

    /// A client of one server.
    public convenience init(
        endpoint: RPCEndpoint, configuration: RPCClientConfiguration = .init(),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.init(endpoints: [endpoint], configuration: configuration, eventLoopGroup: eventLoopGroup)
    }

    /// A client of one server over TCP.
    public convenience init(host: String, port: Int, configuration: RPCClientConfiguration = .init()) {
        self.init(endpoint: .tcp(host: host, port: port), configuration: configuration)
    }

    init(connectors: [any ClientConnector], configuration: RPCClientConfiguration) {
        self.configuration = configuration
        pool = ConnectionPool(connectors: connectors, configuration: configuration)
    }

    deinit {
        pool.close()
    }

    /// Bytes handed to connections since the start, frame headers included.
    public var bytesSent: Int { pool.counters.bytesSent.load(ordering: .relaxed) }
    /// Bytes received from connections since the start, frame headers included.
    public var bytesReceived: Int { pool.counters.bytesReceived.load(ordering: .relaxed) }
    /// Connections made since the start.
    public var connectionsOpened: Int { pool.counters.connectionsOpened.load(ordering: .relaxed) }

    /// Closes all connections. Pending calls fail, later ones too.
    public func close() {
        pool.close()
    }

    /// Calls a method and waits for its answer; see ``RPCCaller``. The request is sent once: ``RetryingCaller`` sends
    /// again.
    /// - Throws: ``RPCError`` only.
    public func call(
        service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, timeout: Duration?
    ) async throws -> RPCResponse {
        for (field, text) in [("service_name", service), ("method_name", method)] where text.utf8.contains(0) {
            throw RPCError(.badRequest, "\(TextFault(path: field, kind: .nul))")
        }
        let deadline = NIODeadline.now().advanced(by: timeout ?? configuration.defaultTimeout)
        // A connection may end between being chosen and being used; nothing was sent then, so another one is taken.
        for _ in 0..<3 {
            do {
                return try await pool.connection().call(
                    service: service, method: method, payload: payload, attachment: attachment, deadline: deadline)
            } catch is ClientConnection.Stale {
                continue
            }
        }
        throw RPCError(.connectionFailed, "the connection keeps closing; the server may be restarting")
    }
}
