import NIOCore
import Synchronization

/// The event loop's half of a ``ClientConnection``: does what ``ClientConnectionStateMachine`` says with the transport,
/// the timer and the pool. Confined to its loop.
final class ClientReceiver: ByteReceiver {
    private let connection: ClientConnection
    private let timer: LoopTimer
    private let onRetire: @Sendable () -> Void
    private let onEnd: @Sendable (ConnectionOutcome) -> Void
    private var transport: (any ByteTransport)?
    private var decoder: FrameDecoder

    init(
        connection: ClientConnection, onRetire: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable (ConnectionOutcome) -> Void
    ) {
        self.connection = connection
        self.onRetire = onRetire
        self.onEnd = onEnd
        timer = LoopTimer(eventLoop: connection.eventLoop)
        decoder = FrameDecoder(limits: connection.configuration.frameLimits)
    }

    /// Begins to take requests; they wait until the connection opens.
    func begin() {
        timer.onFire { [weak self] in self?.checkDeadlines() }
        let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
        connection.outbox.onItems { bound.value.takeRequests() }
        perform(connection.tell { $0.checkDeadlines(now: .now()) })
    }

    /// The connection could not be made.
    func failedToOpen(_ error: any Error, to endpoint: String) {
        perform(connection.tell { $0.failedToOpen(error, to: endpoint) })
    }

    /// Closes at once; pending calls fail.
    func close() {
        perform(connection.tell { $0.close() })
    }

    // MARK: Events

    /// Answers were all asked for and are bounded by the calls pending, so they are always welcome.
    var wantsBytes: Bool { true }

    func opened(over transport: any ByteTransport) {
        let action = connection.tell { $0.opened(now: .now()) }
        if case .close = action { return transport.close() }
        self.transport = transport
        connection.didOpen()
        connection.counters.connectionsOpened.add(1, ordering: .relaxed)
        perform(action)
    }

    func received(_ bytes: ByteBuffer) {
        connection.counters.bytesReceived.add(bytes.readableBytes, ordering: .relaxed)
        decoder.append(bytes)
        do throws(FramingError) {
            while let frame = try decoder.next() {
                guard let meta = RPCMeta(decoding: frame.meta) else { throw .malformedMeta }
                answer(meta.correlationID, frame.response(meta))
            }
        } catch {
            perform(connection.tell { $0.unparseable(error) })
        }
    }

    func burstEnded() {
        let now = NIODeadline.now()
        perform(connection.tell { $0.burstEnded(now: now) })
    }

    func writabilityChanged() {}

    func closed() {
        perform(connection.tell { $0.closed() })
    }

    private func takeRequests() {
        let requests = connection.outbox.takeAll()
        let now = NIODeadline.now()
        for request in requests { timer.arm(atLatest: request.deadline) }
        perform(connection.tell { $0.take(requests, now: now) })
    }

    private func checkDeadlines() {
        let now = NIODeadline.now()
        for waiter in connection.tell({ $0.expireCalls(now: now) }) {
            waiter.resume(
                throwing: RPCError(.timedOut, "no answer within the call's timeout; allow more time or try again"))
        }
        perform(connection.tell { $0.checkDeadlines(now: now) })
    }

    // MARK: Acting

    private func perform(_ action: consuming ClientConnection.StateMachine.Action) {
        switch consume action {
        case .wait: break
        case .write(let requests): write(requests)
        case .close: transport?.close()
        case .retireAndClose:
            onRetire()
            close()
        case .finish(let outcome): finish(outcome)
        case .wakeUp(let deadline): timer.arm(atLatest: deadline)
        }
    }

    private func answer(_ id: Int64, _ result: Result<RPCResponse, RPCError>) {
        // The machine is told the failure alone, so that the lock is not held while a response is copied.
        var failure: RPCError?
        if case .failure(let error) = result { failure = error }
        switch connection.tell({ $0.answered(id, failure: failure) }) {
        case .ignore: break
        case .answer(let waiter): waiter.resume(with: result)
        case .retire(let waiter):
            // The pool first: a caller that tries again at once must not be given this connection.
            onRetire()
            waiter?.resume(with: result)
        }
    }

    private func write(_ requests: [OutgoingRequest]) {
        guard let transport else { return }
        var written = 0
        for request in requests {
            transport.write(request.frame.head)
            if request.frame.attachment.readableBytes > 0 { transport.write(request.frame.attachment) }
            written += request.frame.totalBytes
        }
        connection.counters.bytesSent.add(written, ordering: .relaxed)
        transport.flush()
    }

    private func finish(_ outcome: ConnectionOutcome) {
        transport = nil
        timer.stop()
        connection.outbox.detach()
        // The pool first here too.
        onEnd(outcome)
        for failure in connection.tell({ $0.end() }) { failure.waiter.resume(throwing: failure.error) }
    }
}
