import Logging
import NIOCore
import Synchronization

/// What all connections of a server share, whatever carries their bytes.
final class ServerCore: Sendable {
    let configuration: RPCServerConfiguration
    let methods: MethodTable
    let authenticator: any RPCAuthenticator
    let logger: Logger
    let counters = ServerCounters()
    let turnedAway = TurnedAway()
    /// Raised as soon as new requests are answered ELOGOFF.
    let drain = DrainSignal()
    private let draining = Atomic<Bool>(false)
    private let connections = Mutex(Connections())

    private struct Connections {
        var open: [ObjectIdentifier: ConnectionHandle] = [:]
        /// Set at the end of a shutdown: what still arrives then is turned away.
        var isClosed = false
    }

    /// A connection as other threads may reach it.
    struct ConnectionHandle: Sendable {
        let connection: NIOLoopBound<ServerConnection>
        let eventLoop: any EventLoop

        func onLoop(_ body: @escaping @Sendable (ServerConnection) -> Void) {
            eventLoop.execute { body(connection.value) }
        }
    }

    init(
        configuration: RPCServerConfiguration, methods: MethodTable, authenticator: any RPCAuthenticator,
        logger: Logger
    ) {
        self.configuration = configuration
        self.methods = methods
        self.authenticator = authenticator
        self.logger = logger
    }

    /// Whether new requests are answered ELOGOFF.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func beginDraining() {
        draining.store(true, ordering: .relaxed)
        drain.raise()
    }

    /// A connection's logic. Call on `eventLoop`.
    /// - Throws: ``RPCError`` where there are too many already, or the server has shut down.
    func makeConnection(peer: String, eventLoop: any EventLoop) throws(RPCError) -> ServerConnection {
        guard ServerCounters.acquire(counters.connections, limit: configuration.maximumConnections) else {
            counters.connectionsRefused.add(1, ordering: .relaxed)
            var logger = logger
            logger[metadataKey: "peer"] = "\(peer)"
            turnedAway.note(.tooMany, in: logger)
            throw RPCError(.overloaded, "the server has \(configuration.maximumConnections) connections already")
        }
        let connection = ServerConnection(core: self, peer: peer, eventLoop: eventLoop)
        let handle = ConnectionHandle(
            connection: NIOLoopBound(connection, eventLoop: eventLoop), eventLoop: eventLoop)
        let isTaken = connections.withLock { connections in
            if !connections.isClosed { connections.open[ObjectIdentifier(connection)] = handle }
            return !connections.isClosed
        }
        guard isTaken else {
            counters.connections.subtract(1, ordering: .relaxed)
            throw RPCError(.shuttingDown, "the server has shut down")
        }
        counters.connectionsAccepted.add(1, ordering: .relaxed)
        return connection
    }

    /// A connection is over.
    func forget(_ connection: ServerConnection) {
        let known = connections.withLock { $0.open.removeValue(forKey: ObjectIdentifier(connection)) }
        if known != nil { counters.connections.subtract(1, ordering: .relaxed) }
    }

    /// Takes no more connections and runs `body` on every open one, each on its own loop.
    func closeConnections(_ body: @escaping @Sendable (ServerConnection) -> Void) {
        let open = connections.withLock { connections in
            connections.isClosed = true
            return Array(connections.open.values)
        }
        for handle in open { handle.onLoop(body) }
    }

    /// Counts one more request in flight; whoever ends it takes it off again.
    /// - Throws: ``RPCError`` with ELIMIT where there are too many already.
    func takeRoom() throws(RPCError) {
        guard ServerCounters.acquire(counters.inFlight, limit: configuration.maximumInFlight) else {
            throw RPCError(
                .overloaded, "\(configuration.maximumInFlight) requests are in flight already; try again later")
        }
    }

    // MARK: Answering

    /// Runs a handler and encodes what it answers; never fails.
    func answer(
        _ entry: MethodEntry, request: RPCRequest, context: RPCContext, correlationID: Int64
    ) async -> Answer {
        let result: Result<RPCResponse, RPCError>
        do {
            result = .success(try await entry.method.handler(request, context))
        } catch let error as RPCError {
            result = .failure(error)
        } catch is CancellationError {
            result = .failure(RPCError(.cancelled, "the call was given up"))
        } catch {
            logger.error(
                "method failed",
                metadata: [
                    "service": "\(entry.service)", "method": "\(entry.method.name)", "peer": "\(context.peer)",
                    "error": "\(error)",
                ])
            result = .failure(RPCError(.internalError, "the server failed; its log has the detail"))
        }
        return encode(result, correlationID: correlationID)
    }

    /// A response frame of a result.
    func encode(_ result: Result<RPCResponse, RPCError>, correlationID: Int64) -> Answer {
        var failure: RPCError
        switch result {
        case .success(let response):
            let meta = RPCMeta(response: .init(), correlationID: correlationID)
            if let frame = EncodedFrame(
                meta: meta, payload: response.payload, attachment: response.attachment,
                maximumBodyBytes: configuration.maximumFrameBytes)
            {
                return Answer(frame: frame, status: .ok)
            }
            failure = RPCError(
                .badResponse,
                """
                the response of \(response.payload.readableBytes) and \(response.attachment.readableBytes) attached \
                bytes exceeds the frame limit of \(configuration.maximumFrameBytes); ask for less at a time
                """)
        case .failure(let error):
            failure = error
        }
        if failure.status.isOK {
            logger.error("a method threw an error with status OK", metadata: ["message": "\(failure.message)"])
            failure.status = .internalError
        }
        // A NUL would end the text for protobuf-c; what is shown to a person shows it instead.
        let text = failure.message.replacing("\0", with: "\\0").prefix(maximumBytes: RPCError.maximumMessageBytes)
        let meta = RPCMeta(response: .init(code: failure.status.code, text: text), correlationID: correlationID)
        // A failure's frame holds bounded text alone, so no limit worth having refuses it.
        let frame = EncodedFrame(
            meta: meta, payload: ByteBuffer(), attachment: ByteBuffer(), maximumBodyBytes: .max)
        return Answer(frame: frame, status: failure.status)
    }
}
