public import Logging
public import NIOCore
public import NIOPosix
public import ServiceLifecycle
import Synchronization

/// Offers services over TCP or a Unix domain socket, and to callers in the same process.
///
/// Hand it to a `ServiceGroup`, or drive it with ``start()`` and ``shutDown(within:)``. Shutting down it stops accepting,
/// answers new requests with ELOGOFF, lets requests in flight finish within the drain timeout, and closes.
public final class RPCServer: Service, Sendable {
    private enum State {
        case idle
        case starting
        case listening(any Channel)
        case shuttingDown(listener: (any Channel)?)
        case stopped
    }

    let core: ServerCore
    let eventLoopGroup: any EventLoopGroup
    private let state = Mutex(State.idle)

    /// A server that does not listen yet.
    /// - Parameters:
    ///   - configuration: where to listen, and the limits.
    ///   - services: what to offer; names are unique.
    ///   - authenticator: decides who a connection belongs to; by default everybody is anonymous.
    ///   - logger: the server's log.
    ///   - eventLoopGroup: the threads that move bytes; by default the process's shared ones.
    /// - Throws: ``RPCError`` with INVALID_ARGUMENT where a limit makes no sense or names collide.
    public init(
        configuration: RPCServerConfiguration = .init(), services: [any RPCService],
        authenticator: any RPCAuthenticator = AnonymousAuthenticator(), logger: Logger = Logger(label: "rpc.server"),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) throws(RPCError) {
        try configuration.validate()
        core = ServerCore(
            configuration: configuration, methods: try MethodTable(services), authenticator: authenticator,
            logger: logger)
        self.eventLoopGroup = eventLoopGroup
    }

    /// Counters at this moment.
    public var statistics: RPCServerStatistics { core.counters.snapshot }

    /// Begins to listen.
    /// - Returns: where it listens, with the port the system chose.
    /// - Throws: ``RPCError`` with FAILED_PRECONDITION where it was started before, UNAVAILABLE where the address
    ///   cannot be bound.
    @discardableResult
    public func start() async throws -> RPCEndpoint {
        try state.withLock { state throws(RPCError) in
            guard case .idle = state else {
                throw RPCError(.failedPrecondition, "the server was started before; make a new one")
            }
            state = .starting
        }
        let channel: any Channel
        do {
            channel = try await bind()
        } catch {
            state.withLock { $0 = .idle }
            throw RPCError(.unavailable, "cannot listen on \(core.configuration.endpoint): \(error)", cause: error)
        }
        let wasStopped = state.withLock { state in
            guard case .starting = state else { return true }
            state = .listening(channel)
            return false
        }
        if wasStopped {
            try? await channel.close()
            throw RPCError(.shuttingDown, "the server was shut down while it started")
        }
        let endpoint = boundEndpoint(of: channel)
        core.logger.info("listening", metadata: ["endpoint": "\(endpoint)"])
        return endpoint
    }

    /// Listens, unless ``start()`` was called before, until graceful shutdown or cancellation, then shuts down.
    ///
    /// Cancellation cuts requests in flight short; graceful shutdown lets them finish.
    /// - Throws: ``RPCError`` where listening fails or ends by itself.
    public func run() async throws {
        let isIdle = state.withLock { state in
            if case .idle = state { true } else { false }
        }
        if isIdle { try await start() }
        guard case .listening(let channel) = state.withLock({ $0 }) else { return }
        let endedByItself = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                // Returns on graceful shutdown, throws on cancellation: either way the end.
                try? await gracefulShutdown()
                return false
            }
            group.addTask {
                _ = try? await channel.closeFuture.get()
                return true
            }
            let first = await group.next() ?? false
            if !first { self.beginShutdown() }
            group.cancelAll()
            return first
        }
        let wasShutDown = state.withLock { state in
            if case .listening = state { false } else { true }
        }
        await shutDown(within: Task.isCancelled ? .zero : core.configuration.drainTimeout)
        if endedByItself, !wasShutDown {
            throw RPCError(.unavailable, "the listening socket closed by itself; start the server again")
        }
    }

    /// Shuts down gracefully and returns once every connection is closed. Calling it again does nothing more.
    /// - Parameter patience: how long to wait for requests in flight; the configuration's drain timeout when `nil`.
    public func shutDown(within patience: Duration? = nil) async {
        beginShutdown()
        // The listener's own task may be cancelled; draining goes on regardless.
        await Task { await drain(within: patience ?? core.configuration.drainTimeout) }.value
        state.withLock { $0 = .stopped }
    }

    /// Stops accepting and answers new requests with ELOGOFF.
    private func beginShutdown() {
        core.beginDraining()
        let listener: (any Channel)? = state.withLock { state in
            switch state {
            case .listening(let channel):
                state = .shuttingDown(listener: channel)
                return channel
            case .idle, .starting:
                state = .shuttingDown(listener: nil)
                return nil
            case .shuttingDown, .stopped:
                return nil
            }
        }
        guard let listener else { return }
        core.logger.info("shutting down", metadata: ["inFlight": "\(statistics.inFlight)"])
        listener.close(promise: nil)
    }

    private func drain(within patience: Duration) async {
        if case .shuttingDown(let listener?) = state.withLock({ $0 }) { _ = try? await listener.closeFuture.get() }
        let counters = core.counters
        let clock = ContinuousClock()
        let giveUp = clock.now.advanced(by: patience)
        while counters.inFlight.load(ordering: .acquiring) > 0, clock.now < giveUp {
            try? await Task.sleep(for: .milliseconds(2))
        }
        let unfinished = counters.inFlight.load(ordering: .acquiring)
        if unfinished > 0 {
            core.logger.warning("requests cut short by shutdown", metadata: ["count": "\(unfinished)"])
        }
        core.closeConnections { $0.closeAfterAnswers() }
        // What is written goes out even when nothing is left of the patience, but no peer holds the server up.
        let cut = max(giveUp, clock.now.advanced(by: .seconds(1)))
        while counters.connections.load(ordering: .relaxed) > 0, clock.now < cut {
            try? await Task.sleep(for: .milliseconds(2))
        }
        core.closeConnections { $0.abort() }
    }

    // MARK: Listening

    private func bind() async throws -> any Channel {
        let bootstrap = ServerBootstrap(group: eventLoopGroup)
            .serverChannelOption(.backlog, value: core.configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 * 1024, high: 1024 * 1024))
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16 * 1024, maximum: 256 * 1024)
            )
            .childChannelInitializer { [core] channel in
                channel.eventLoop.makeCompletedFuture {
                    let peer = channel.remoteAddress.map(Self.describe) ?? "unknown"
                    let connection = try core.makeConnection(peer: peer, eventLoop: channel.eventLoop)
                    try channel.pipeline.syncOperations.addHandler(ChannelTransport(receiver: connection))
                }
            }
        switch core.configuration.endpoint {
        case .tcp(let host, let port):
            return
                try await bootstrap
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .bind(host: host, port: port).get()
        case .unix(let path):
            return try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        }
    }

    private func boundEndpoint(of channel: any Channel) -> RPCEndpoint {
        guard case .tcp(let host, let port) = core.configuration.endpoint else { return core.configuration.endpoint }
        return .tcp(host: channel.localAddress?.ipAddress ?? host, port: channel.localAddress?.port ?? port)
    }

    static func describe(_ address: SocketAddress) -> String {
        if let host = address.ipAddress, let port = address.port {
            return RPCEndpoint.tcp(host: host, port: port).description
        }
        return address.pathname.map { $0.isEmpty ? "unix" : "unix:\($0)" } ?? "unknown"
    }
}
