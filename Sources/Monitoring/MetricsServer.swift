import ECLMCore
import CommandSupport
public import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
public import RPC
public import ServiceLifecycle

/// Serves the metrics to scrapers: `GET /metrics` over HTTP/1.1, without encryption or names, so for a trusted network alone.
public struct MetricsServer: Service {
    /// The most connections at a time.
    static let maximumConnections = 64
    /// How long a connection may be silent.
    static let idleTimeout = TimeAmount.seconds(30)

    let store: MetricsStore
    let endpoint: RPCEndpoint
    let logger: Logger

    /// A server of what a store has.
    ///
    /// - Parameter endpoint: Where it listens; port 0 lets the system choose, and the log tells.
    public init(store: MetricsStore, endpoint: RPCEndpoint, logger: Logger) {
        self.store = store
        self.endpoint = endpoint
        self.logger = logger
    }

    /// Serves until a graceful shutdown or cancellation.
    ///
    /// - Throws: `CommandFailure` where the address cannot be had.
    public func run() async throws {
        let channel: any Channel
        do {
            channel = try await bind()
        } catch {
            throw CommandFailure(
                .unavailable, "metrics cannot be served at \(endpoint): \(error)",
                hint: "give --metrics another address")
        }
        logger.info("metrics are served", metadata: ["endpoint": "\(Self.text(channel.localAddress) ?? "\(endpoint)")"])
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
        switch endpoint {
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

/// Answers requests on one connection.
private final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let store: MetricsStore
    private var head: HTTPRequestHead?

    init(store: MetricsStore) { self.store = store }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        // A request's body means nothing here.
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = head.uri.prefix { $0 != "?" }
        let (status, text): (HTTPResponseStatus, String) =
            switch (head.method, path) {
            case (.GET, "/metrics"), (.HEAD, "/metrics"): (.ok, store.text)
            case (.GET, _), (.HEAD, _): (.notFound, "metrics are at /metrics\n")
            default: (.methodNotAllowed, "GET /metrics\n")
            }
        var headers = HTTPHeaders([
            ("content-type", "text/plain; version=0.0.4; charset=utf-8"), ("content-length", "\(text.utf8.count)"),
        ])
        if status == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
        let stays = head.isKeepAlive
        if !stays { headers.add(name: "connection", value: "close") }
        context.write(
            wrapOutboundOut(.head(.init(version: head.version, status: status, headers: headers))), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if !stays { channel.close(promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
