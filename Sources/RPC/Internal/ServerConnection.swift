import Logging
import NIOCore
import Synchronization

/// The server's side of one connection: what ``ServerConnectionStateMachine`` decides, done. It holds the transport,
/// the timer, the handlers' tasks and the counters. Confined to its event loop.
final class ServerConnection: ByteReceiver {
    /// What reaches the loop from tasks.
    enum Event: Sendable {
        case answered(request: UInt64, Answer)
        case verified(Result<RPCPrincipal, RPCError>)
    }

    /// A request being handled.
    struct Handling {
        var entry: MethodEntry
        var task: Task<Void, Never>
    }

    private typealias StateMachine = ServerConnectionStateMachine<Handling>

    private let core: ServerCore
    private let peer: String
    private let logger: Logger
    private let eventLoop: any EventLoop
    private let outbox: Outbox<Event>
    private let timer: LoopTimer
    private var transport: (any ByteTransport)?
    private var machine: StateMachine
    private var verification: Task<Void, Never>?
    private var countedRequests = 0
    private var needsFlush = false

    init(core: ServerCore, peer: String, eventLoop: any EventLoop) {
        self.core = core
        self.peer = peer
        self.eventLoop = eventLoop
        var logger = core.logger
        logger[metadataKey: "peer"] = "\(peer)"
        self.logger = logger
        outbox = Outbox(eventLoop: eventLoop)
        timer = LoopTimer(eventLoop: eventLoop)
        machine = StateMachine(
            limits: ServerConnectionLimits(core.configuration),
            principal: core.authenticator is AnonymousAuthenticator ? .anonymous : nil, now: .now())
    }

    // MARK: Receiving

    private var isWritable: Bool { transport?.isWritable == true }

    var wantsBytes: Bool { machine.wantsBytes(isWritable: isWritable) }

    func opened(over transport: any ByteTransport) {
        self.transport = transport
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        outbox.onItems { bound.value.takeEvents() }
        timer.onFire { [weak self] in self?.checkDeadlines() }
        noteActivity()
    }

    func received(_ bytes: ByteBuffer) {
        core.counters.bytesReceived.add(bytes.readableBytes, ordering: .relaxed)
        machine.received(bytes)
        takeRequests()
    }

    func burstEnded() {
        noteActivity()
        flushIfNeeded()
    }

    func writabilityChanged() {
        goOn()
    }

    func closed() {
        outbox.detach()
        timer.stop()
        transport = nil
        for handling in machine.closed() { handling.task.cancel() }
        verification?.cancel()
        core.forget(self)
    }

    /// Takes what requests there are and reads on, if the limits allow it again.
    private func goOn() {
        takeRequests()
        watchDeadlines(now: .now())
        flushIfNeeded()
        transport?.resumeReading()
    }

    private func takeRequests() {
        while perform(machine.nextRequest(isWritable: isWritable, isDraining: core.isDraining, now: .now())) {}
        let taken = machine.requestsTaken - countedRequests
        guard taken > 0 else { return }
        countedRequests += taken
        core.counters.requests.add(taken, ordering: .relaxed)
    }

    private func takeEvents() {
        for event in outbox.takeAll() {
            switch event {
            case .answered(let number, let answer):
                perform(machine.answered(number, answer))
            case .verified(let verdict):
                verification = nil
                perform(machine.verified(verdict, isDraining: core.isDraining, now: .now()))
            }
        }
        machine.wasActive(now: .now())
        goOn()
    }

    // MARK: The clock

    private func noteActivity() {
        let now = NIODeadline.now()
        machine.wasActive(now: now)
        watchDeadlines(now: now)
    }

    private func watchDeadlines(now: NIODeadline) {
        guard let transport else { return }
        timer.arm(
            atLatest: machine.nextDeadline(
                isWritable: transport.isWritable, pendingBytes: transport.pendingBytes, now: now))
    }

    private func checkDeadlines() {
        let now = NIODeadline.now()
        for request in machine.expireRequests(now: now) {
            request.work.task.cancel()
            let error = RPCError(.timedOut, "the deadline passed before the server could answer")
            finish(
                request.work, startedAt: request.startedAt,
                core.encode(.failure(error), correlationID: request.correlationID))
        }
        flushIfNeeded()
        guard let transport else { return }
        perform(
            machine.checkDeadlines(
                isWritable: transport.isWritable, pendingBytes: transport.pendingBytes, now: now))
    }

    // MARK: Acting

    /// Does what the machine says. The action is handed on and not kept: it may hold a whole request.
    /// - Returns: whether there was anything to do.
    @discardableResult
    private func perform(_ action: consuming StateMachine.Action) -> Bool {
        switch consume action {
        case .wait: return false
        case .authenticate(let data): authenticate(data)
        case .start(let request): start(request)
        case .refuse(let error, let correlationID): refuse(error, correlationID)
        case .reject(let error, let correlationID): reject(error, correlationID)
        case .send(let answer, let handling, let startedAt): finish(handling, startedAt: startedAt, answer)
        case .closeUnparseable(let error):
            core.counters.unparseableConnections.add(1, ordering: .relaxed)
            core.turnedAway.note(.unparseable, detail: "\(error)", in: logger)
            transport?.closeAfterFlush()
        case .close(let reason):
            logger.info("connection closed", metadata: ["reason": "\(reason.rawValue)"])
            transport?.close()
        case .wakeUp(let deadline): timer.arm(atLatest: deadline)
        }
        return true
    }

    private func authenticate(_ data: [UInt8]?) {
        verification = Task { [authenticator = core.authenticator, peer, outbox, logger] in
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
    }

    private func start(_ request: consuming AdmittedRequest) {
        let entry: MethodEntry
        do throws(RPCError) {
            entry = try core.methods.find(service: request.named.service, method: request.named.method)
            try core.takeRoom()
        } catch {
            if error.status == .overloaded { core.counters.overloads.add(1, ordering: .relaxed) }
            return refuse(error, request.correlationID)
        }
        if let methodDefault = entry.method.defaultDeadline {
            request.deadline = machine.limits.deadline(
                timeoutMilliseconds: request.named.timeoutMilliseconds, methodDefault: methodDefault,
                from: request.startedAt)
        }
        entry.started(bytes: request.bytes)
        let task = handle(request, entry)
        machine.started(request, Handling(entry: entry, task: task))
        timer.arm(atLatest: request.deadline)
    }

    private func handle(_ admitted: borrowing AdmittedRequest, _ entry: MethodEntry) -> Task<Void, Never> {
        var context = RPCContext(
            peer: peer, service: entry.service, method: entry.method.name, deadline: admitted.deadline,
            principal: admitted.principal, logID: admitted.named.logID, traceID: admitted.named.traceID,
            spanID: admitted.named.spanID, parentSpanID: admitted.named.parentSpanID,
            requestID: admitted.named.requestID)
        context.drain = core.drain
        let number = admitted.number
        let correlationID = admitted.correlationID
        let request = admitted.request
        let operation = { @Sendable [core, outbox, context] in
            let answer = await core.answer(entry, request: request, context: context, correlationID: correlationID)
            // In this order: once nothing is in flight, every answer is in its outbox.
            outbox.push(.answered(request: number, answer))
            core.counters.inFlight.subtract(1, ordering: .releasing)
        }
        return entry.method.placement == .inline
            ? Task.immediate(operation: operation) : Task(operation: operation)
    }

    private func reject(_ error: RPCError, _ correlationID: Int64) {
        core.turnedAway.note(.unauthenticated, detail: error.message, in: logger)
        verification?.cancel()
        refuse(error, correlationID)
        flushIfNeeded()
        transport?.closeAfterFlush()
    }

    private func refuse(_ error: RPCError, _ correlationID: Int64) {
        core.counters.failures.add(1, ordering: .relaxed)
        logger.debug("request refused", metadata: ["status": "\(error.status)", "reason": "\(error.message)"])
        write(core.encode(.failure(error), correlationID: correlationID))
    }

    /// Answers a request and measures it.
    private func finish(_ handling: Handling, startedAt: NIODeadline, _ answer: Answer) {
        if !answer.status.isOK { core.counters.failures.add(1, ordering: .relaxed) }
        handling.entry.finished(
            status: answer.status, nanoseconds: (NIODeadline.now() - startedAt).nanoseconds,
            bytes: answer.frame?.totalBytes ?? 0)
        write(answer)
    }

    private func write(_ answer: Answer) {
        guard let transport, let frame = answer.frame else { return }
        transport.write(frame.head)
        if frame.attachment.readableBytes > 0 { transport.write(frame.attachment) }
        machine.wrote(frame.totalBytes)
        core.counters.bytesSent.add(frame.totalBytes, ordering: .relaxed)
        needsFlush = true
    }

    private func flushIfNeeded() {
        guard needsFlush else { return }
        needsFlush = false
        transport?.flush()
    }

    // MARK: Ending

    /// Sends what is ready and closes: the end of a graceful shutdown.
    func closeAfterAnswers() {
        takeEvents()
        machine.stopTakingRequests()
        transport?.closeAfterFlush()
    }

    /// Closes at once.
    func abort() {
        machine.stopTakingRequests()
        transport?.close()
    }
}
