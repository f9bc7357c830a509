import Logging
import NIOCore

/// The server's side of one connection: takes frames, runs handlers in tasks, writes answers in whatever order they
/// come. Confined to its event loop.
final class ServerConnection: ByteReceiver {
    /// What reaches the loop from tasks.
    enum Event: Sendable {
        case answered(request: UInt64, Answer)
        case verified(Result<RPCPrincipal, RPCError>)
    }

    enum Authentication {
        case awaited
        /// The first request, held until the authenticator has decided.
        case verifying(Frame, RPCMeta, deadline: NIODeadline, Task<Void, Never>)
        case accepted(RPCPrincipal)
    }

    /// A request being handled.
    struct InFlight {
        var correlationID: Int64
        var entry: MethodEntry
        var task: Task<Void, Never>
        var startedAt: NIODeadline
        var deadline: NIODeadline
        var bytes: Int
        /// Set once the deadline has been answered; the handler still runs and still counts.
        var isAnswered = false
    }

    /// A frame that has begun to arrive.
    struct PartialFrame {
        var frame: UInt64
        var began: NIODeadline
        /// Whether the header has arrived, and the deadline grants time for the size it announces.
        var hasHeader: Bool
        var deadline: NIODeadline
    }

    let core: ServerCore
    let peer: String
    let logger: Logger
    let eventLoop: any EventLoop
    let outbox: Outbox<Event>
    let timer: LoopTimer
    var transport: (any ByteTransport)?
    var decoder: FrameDecoder
    var authentication = Authentication.awaited
    /// By a number of our own: a peer may use one correlation id twice.
    var inFlight: [UInt64: InFlight] = [:]
    private var inFlightBytes = 0
    private var nextRequest: UInt64 = 0
    /// No more requests are taken; what was written still goes out.
    private(set) var isClosing = false
    private var needsFlush = false
    private(set) var writtenBytes = 0
    var lastActivity = NIODeadline.now()
    var partialFrame: PartialFrame?
    var stall: (takenBytes: Int, deadline: NIODeadline)?

    init(core: ServerCore, peer: String, eventLoop: any EventLoop) {
        self.core = core
        self.peer = peer
        self.eventLoop = eventLoop
        var logger = core.logger
        logger[metadataKey: "peer"] = "\(peer)"
        self.logger = logger
        outbox = Outbox(eventLoop: eventLoop)
        timer = LoopTimer(eventLoop: eventLoop)
        decoder = FrameDecoder(limits: core.configuration.frameLimits)
    }

    // MARK: Receiving

    /// Back-pressure: no more requests while enough are being handled, or while the peer takes no answers.
    var wantsBytes: Bool {
        if case .verifying = authentication { return false }
        let configuration = core.configuration
        return !isClosing && inFlight.count < configuration.maximumInFlightPerConnection
            && inFlightBytes < configuration.maximumInFlightBytesPerConnection && transport?.isWritable == true
    }

    func opened(over transport: any ByteTransport) {
        self.transport = transport
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        outbox.onItems { bound.value.takeEvents() }
        timer.onFire { [weak self] in self?.checkDeadlines() }
        lastActivity = .now()
        watchDeadlines()
    }

    func received(_ bytes: ByteBuffer) {
        core.counters.bytesReceived.add(bytes.readableBytes, ordering: .relaxed)
        guard !isClosing else { return }
        decoder.append(bytes)
        takeFrames()
    }

    func burstEnded() {
        lastActivity = .now()
        watchDeadlines()
        flushIfNeeded()
    }

    func writabilityChanged() {
        goOn()
    }

    func closed() {
        isClosing = true
        outbox.detach()
        timer.stop()
        transport = nil
        for request in inFlight.values { request.task.cancel() }
        inFlight.removeAll()
        if case .verifying(_, _, _, let task) = authentication { task.cancel() }
        core.forget(self)
    }

    /// Takes what frames there are and reads on, if the limits allow it again.
    private func goOn() {
        takeFrames()
        watchDeadlines()
        flushIfNeeded()
        transport?.resumeReading()
    }

    private func takeFrames() {
        do throws(FramingError) {
            while wantsBytes, let frame = try decoder.next() {
                guard let meta = RPCMeta(decoding: frame.meta) else { throw .malformedMeta }
                take(frame, meta)
            }
        } catch {
            core.counters.unparseableConnections.add(1, ordering: .relaxed)
            logger.warning("connection closed: unparseable", metadata: ["reason": "\(error)"])
            isClosing = true
            transport?.closeAfterFlush()
        }
    }

    // MARK: Requests

    private func take(_ frame: Frame, _ meta: RPCMeta) {
        core.counters.requests.add(1, ordering: .relaxed)
        switch authentication {
        case .accepted(let principal):
            serve(frame, meta, principal)
        case .awaited where core.authenticator is AnonymousAuthenticator:
            authentication = .accepted(.anonymous)
            serve(frame, meta, .anonymous)
        case .awaited, .verifying:
            verify(frame, meta)
        }
    }

    private func verify(_ frame: Frame, _ meta: RPCMeta) {
        let task = Task { [authenticator = core.authenticator, data = meta.authenticationData, peer, outbox, logger] in
            let verdict: Result<RPCPrincipal, RPCError>
            do {
                verdict = .success(try await authenticator.authenticate(data, peer: peer))
            } catch let error as RPCError {
                verdict = .failure(error)
            } catch {
                logger.error("the authenticator failed", metadata: ["error": "\(error)"])
                verdict = .failure(RPCError(.unauthenticated, "authentication failed; the server's log has the detail"))
            }
            outbox.push(.verified(verdict))
        }
        authentication = .verifying(frame, meta, deadline: deadline(of: meta, from: .now()), task)
    }

    private func serve(_ frame: Frame, _ meta: RPCMeta, _ principal: RPCPrincipal) {
        do throws(RPCError) {
            try start(frame, meta, principal)
        } catch {
            if error.status == .overloaded { core.counters.overloads.add(1, ordering: .relaxed) }
            refuse(meta, error)
        }
    }

    private func start(_ frame: Frame, _ meta: RPCMeta, _ principal: RPCPrincipal) throws(RPCError) {
        guard !core.isDraining else {
            throw RPCError(.shuttingDown, "the server is shutting down; send the request to another one")
        }
        guard let named = meta.request else {
            throw RPCError(.badRequest, "the frame's metadata holds no request")
        }
        guard meta.compressType == 0 else {
            throw RPCError(
                .badRequest,
                "compress_type \(meta.compressType) is not offered; send uncompressed: gzip and snappy are not supported"
            )
        }
        guard let (payload, attachment) = frame.parts(attachmentSize: meta.attachmentSize) else {
            throw RPCError(
                .badRequest,
                "attachment_size \(meta.attachmentSize) does not fit the \(frame.body.readableBytes) bytes sent")
        }
        let entry = try core.methods.find(service: named.service, method: named.method)
        guard ServerCounters.acquire(core.counters.inFlight, limit: core.configuration.maximumInFlight) else {
            throw RPCError(
                .overloaded, "\(core.configuration.maximumInFlight) requests are in flight already; try again later")
        }
        let now = NIODeadline.now()
        let deadline = deadline(of: meta, from: now)
        let context = RPCContext(
            peer: peer, service: entry.service, method: entry.method.name, deadline: deadline, principal: principal,
            logID: named.logID, traceID: named.traceID, spanID: named.spanID, parentSpanID: named.parentSpanID,
            requestID: named.requestID)
        let bytes = frame.totalBytes
        entry.started(bytes: bytes)
        let number = nextRequest
        nextRequest += 1
        let request = RPCRequest(payload: payload, attachment: attachment)
        let operation = { @Sendable [core, outbox, correlationID = meta.correlationID] in
            let answer = await core.answer(entry, request: request, context: context, correlationID: correlationID)
            // In this order: once nothing is in flight, every answer is in its outbox.
            outbox.push(.answered(request: number, answer))
            core.counters.inFlight.subtract(1, ordering: .releasing)
        }
        let task =
            entry.method.placement == .inline
            ? Task.immediate(operation: operation) : Task(operation: operation)
        inFlight[number] = InFlight(
            correlationID: meta.correlationID, entry: entry, task: task, startedAt: now, deadline: deadline,
            bytes: bytes)
        inFlightBytes += bytes
        timer.arm(atLatest: deadline)
    }

    private func deadline(of meta: RPCMeta, from now: NIODeadline) -> NIODeadline {
        let configuration = core.configuration
        var time = configuration.defaultDeadline
        if let asked = meta.request?.timeoutMilliseconds, asked > 0 { time = .milliseconds(asked) }
        return now.advanced(by: min(time, configuration.maximumDeadline))
    }

    // MARK: Answers

    private func takeEvents() {
        for event in outbox.takeAll() {
            switch event {
            case .answered(let number, let answer):
                guard let request = inFlight.removeValue(forKey: number) else { continue }
                inFlightBytes -= request.bytes
                if !request.isAnswered { finish(request, answer) }
            case .verified(let verdict):
                verified(verdict)
            }
        }
        lastActivity = .now()
        goOn()
    }

    private func verified(_ verdict: Result<RPCPrincipal, RPCError>) {
        guard case .verifying(let frame, let meta, _, _) = authentication else { return }
        switch verdict {
        case .success(let principal):
            authentication = .accepted(principal)
            serve(frame, meta, principal)
        case .failure(let error):
            reject(meta, error)
        }
    }

    /// Refuses the connection itself: answers its first request and closes.
    func reject(_ meta: RPCMeta, _ error: RPCError) {
        logger.notice("connection closed: not authenticated", metadata: ["reason": "\(error.message)"])
        authentication = .awaited
        isClosing = true
        refuse(meta, error)
        flushIfNeeded()
        transport?.closeAfterFlush()
    }

    private func refuse(_ meta: RPCMeta, _ error: RPCError) {
        core.counters.failures.add(1, ordering: .relaxed)
        logger.debug("request refused", metadata: ["status": "\(error.status)", "reason": "\(error.message)"])
        write(core.encode(.failure(error), correlationID: meta.correlationID))
    }

    /// Answers a request and measures it.
    func finish(_ request: InFlight, _ answer: Answer) {
        if !answer.status.isOK { core.counters.failures.add(1, ordering: .relaxed) }
        request.entry.finished(
            status: answer.status, nanoseconds: (NIODeadline.now() - request.startedAt).nanoseconds,
            bytes: answer.frame?.totalBytes ?? 0)
        write(answer)
    }

    private func write(_ answer: Answer) {
        guard let transport, let frame = answer.frame else { return }
        transport.write(frame.head)
        if frame.attachment.readableBytes > 0 { transport.write(frame.attachment) }
        writtenBytes += frame.totalBytes
        core.counters.bytesSent.add(frame.totalBytes, ordering: .relaxed)
        needsFlush = true
    }

    func flushIfNeeded() {
        guard needsFlush else { return }
        needsFlush = false
        transport?.flush()
    }

    // MARK: Ending

    /// Sends what is ready and closes: the end of a graceful shutdown.
    func closeAfterAnswers() {
        takeEvents()
        isClosing = true
        transport?.closeAfterFlush()
    }

    /// Closes at once.
    func abort() {
        isClosing = true
        transport?.close()
    }
}
