public import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
public import ServiceLifecycle

/// Serves the metrics to scrapers: `GET /metrics` over HTTP/1.1, without encryption or names, so for a trusted network alone.
public struct MetricsServer: Service {
    /// The most connections at a time.
    static let maximumConnections = 64
    /// How long a connection may be silent.
    static let idleTimeout = TimeAmount.seconds(30)

    let store: MetricsStore
    let address: MetricsAddress
    let logger: Logger

    /// A server of what a store has.
    ///
    /// - Parameter address: Where it listens; port 0 lets the system choose, and the log tells.
    public init(store: MetricsStore, address: MetricsAddress, logger: Logger) {
        self.store = store
        self.address = address
        self.logger = logger
    }

    /// Serves until a graceful shutdown or cancellation.
    ///
    /// - Throws: ``MonitoringError`` where the address cannot be had.
    public func run() async throws {
        let channel: any Channel
        do {
            channel = try await bind()
        } catch {
            throw MonitoringError(
                .addressUnavailable,
                "metrics cannot be served at \(address): \(error); give --metrics another address", cause: error)
        }
        logger.info("metrics are served", metadata: ["endpoint": "\(Self.text(channel.localAddress) ?? "\(address)")"])
        // Ends by cancellation as well.
        try? await gracefulShutdown()
        try? await channel.close()
    }

    private func bind() async throws -> any Channel {
        let store = store
        let gate = ConnectionGate(maximum: Self.maximumConnections)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                guard gate.enter() else { return channel.eventLoop.makeFailedFuture(ConnectionGate.Full()) }
                channel.closeFuture.whenComplete { _ in gate.leave() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        IdleStateHandler(allTimeout: Self.idleTimeout))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(MetricsHandler(store: store))
                }
            }
        switch address {
        case .tcp(let host, let port): return try await bootstrap.bind(host: host, port: port).get()
        case .unix(let path):
            return try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        }
    }

    private static func text(_ address: SocketAddress?) -> String? {
        guard let address, let host = address.ipAddress, let port = address.port else { return nil }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
