import NIOCore

/// The event loop's half of a ``ClientConnection``: writes requests, takes answers, keeps the clock. Confined to its
/// loop.
final class ClientReceiver: ByteReceiver {
    /// How a connection ended, for the pool to decide when to try again.
    enum Outcome: Sendable {
        /// It served, or was closed on purpose.
        case served
        /// It could not be opened, or ended before it answered anything.
        case failed(RPCError)
    }

    private let connection: ClientConnection
    private let timer: LoopTimer
    private let onRetire: @Sendable () -> Void
    private let onEnd: @Sendable (Outcome) -> Void
    private var transport: (any ByteTransport)?
    private var decoder: FrameDecoder
    /// Requests made before the connection was.
    private var waiting: [ClientConnection.Outgoing] = []
    private var lastActivity = NIODeadline.now()
    private var hasAnswered = false
    private var isEnded = false
    private var isCloseWanted = false
    /// The first answer, if it says that the connection is not welcome.
    private var refusal: RPCError?
    private var endReason = "the connection closed"

    init(
        connection: ClientConnection, onRetire: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable (Outcome) -> Void
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
        timer.arm(atLatest: lastActivity.advanced(by: connection.configuration.idleTimeout))
    }

    /// The connection could not be made.
    func failedToOpen(_ error: any Error, to endpoint: String) {
        finish(
            "cannot connect to \(endpoint): \(error)", cause: error,
            .failed(RPCError(.connectionFailed, "cannot connect to \(endpoint): \(error)", cause: error)))
    }

    /// Closes at once; pending calls fail.
    func close() {
        isCloseWanted = true
        endReason = "the client was closed"
        if let transport { transport.close() } else if !isEnded { finish(endReason, cause: nil, .served) }
    }

    // MARK: Receiving

    /// Answers were all asked for and are bounded by the calls pending, so they are always welcome.
    var wantsBytes: Bool { true }

    func opened(over transport: any ByteTransport) {
        guard !isEnded else { return transport.close() }
        self.transport = transport
        connection.didOpen()
        connection.counters.connectionsOpened.add(1, ordering: .relaxed)
        write(waiting)
        waiting = []
    }

    func received(_ bytes: ByteBuffer) {
        connection.counters.bytesReceived.add(bytes.readableBytes, ordering: .relaxed)
        decoder.append(bytes)
        do throws(FramingError) {
            while let frame = try decoder.next() {
                guard let meta = RPCMeta(decoding: frame.meta) else { throw .malformedMeta }
                take(frame, meta)
            }
        } catch {
            endReason = "the connection was closed because \(error)"
            transport?.close()
        }
    }

    func burstEnded() {
        lastActivity = .now()
        if connection.isSpent { transport?.close() }
    }

    func writabilityChanged() {}

    func closed() {
        let outcome: Outcome =
            hasAnswered || isCloseWanted
            ? .served : .failed(refusal ?? RPCError(.connectionFailed, "\(endReason) before it answered anything"))
        finish(endReason, cause: nil, outcome)
    }

    private func take(_ frame: Frame, _ meta: RPCMeta) {
        let result = Self.result(of: frame, meta)
        refusal = nil
        if case .failure(let error) = result {
            switch error.status {
            case .unauthenticated where !hasAnswered: refusal = error
            case .shuttingDown: retire()
            default: break
            }
        }
        if refusal == nil { hasAnswered = true }
        connection.answer(meta.correlationID, result)
    }

    private static func result(of frame: Frame, _ meta: RPCMeta) -> Result<RPCResponse, RPCError> {
        guard let response = meta.response else {
            return .failure(RPCError(.badResponse, "the server sent a frame without response metadata"))
        }
        guard response.code == 0 else {
            return .failure(RPCError(RPCStatus(code: response.code), response.text))
        }
        guard meta.compressType == 0 else {
            return .failure(
                RPCError(.badResponse, "the response uses compress_type \(meta.compressType), which is not supported"))
        }
        guard let (payload, attachment) = frame.parts(attachmentSize: meta.attachmentSize) else {
            return .failure(
                RPCError(.badResponse, "attachment_size \(meta.attachmentSize) does not fit the response's body"))
        }
        return .success(RPCResponse(payload: payload, attachment: attachment))
    }

    // MARK: Sending

    private func takeRequests() {
        let requests = connection.outbox.takeAll()
        guard !isEnded else { return }
        for request in requests { timer.arm(atLatest: request.deadline) }
        if transport == nil {
            waiting.append(contentsOf: requests)
        } else {
            write(requests)
        }
    }

    private func write(_ requests: [ClientConnection.Outgoing]) {
        guard let transport else { return }
        var written = 0
        for request in connection.markSent(requests) {
            transport.write(request.frame.head)
            if request.frame.attachment.readableBytes > 0 { transport.write(request.frame.attachment) }
            written += request.frame.totalBytes
        }
        guard written > 0 else { return }
        connection.counters.bytesSent.add(written, ordering: .relaxed)
        lastActivity = .now()
        transport.flush()
    }

    // MARK: Ending

    private func checkDeadlines() {
        let now = NIODeadline.now()
        if let next = connection.failOverdue(now) { timer.arm(atLatest: next) }
        let idle = lastActivity.advanced(by: connection.configuration.idleTimeout)
        if idle <= now, connection.retireIfUnused() {
            onRetire()
            return close()
        }
        if connection.isSpent { transport?.close() }
        timer.arm(atLatest: idle > now ? idle : now.advanced(by: connection.configuration.idleTimeout))
    }

    private func retire() {
        connection.retire()
        onRetire()
    }

    private func finish(_ reason: String, cause: (any Error)?, _ outcome: Outcome) {
        guard !isEnded else { return }
        isEnded = true
        transport = nil
        waiting = []
        timer.stop()
        connection.outbox.detach()
        // The pool first: a caller that tries again at once must not be given this connection.
        onEnd(outcome)
        connection.end(reason, cause: cause, refusal: refusal)
    }
}
