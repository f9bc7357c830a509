import NIOCore

/// What the server's side of one connection does next: a value that is told what happens and answers what to do about
/// it. It does no input or output, starts nothing and looks at no clock; ``ServerConnection`` does all that around it.
///
/// `Work` is what the shell keeps for a request while it is handled: the machine hands it back and never looks at it.
struct ServerConnectionStateMachine<Work> {
    enum Phase {
        case open
        /// No more requests are taken; what was written still goes out.
        case closing
        case closed
    }

    /// What the shell has to do.
    enum Action {
        /// Nothing, until something else happens.
        case wait
        /// Ask the authenticator about the peer; ``verified(_:isDraining:now:)`` follows.
        case authenticate([UInt8]?)
        /// Have the request handled; ``started(_:_:)`` follows, unless the shell refuses it.
        case start(AdmittedRequest)
        /// Answer a request that is not carried out.
        case refuse(RPCError, correlationID: Int64)
        /// Refuse the connection: answer its first request, and close once that is sent.
        case reject(RPCError, correlationID: Int64)
        /// Send what the handler answered.
        case send(Answer, Work, startedAt: NIODeadline)
        /// The bytes make no frames: close once what was written is sent.
        case closeUnparseable(FramingError)
        /// Close at once.
        case close(CloseReason)
        /// Look at the clock again at this time at the latest.
        case wakeUp(at: NIODeadline)
    }

    /// Why the clock ends a connection.
    enum CloseReason: String {
        case slowFrame = "a frame did not arrive in time"
        case stalledPeer = "the peer takes no answers"
        case idle
    }

    let limits: ServerConnectionLimits
    private(set) var phase = Phase.open
    /// Requests taken since the connection opened, whatever became of them.
    private(set) var requestsTaken = 0
    private var decoder: FrameDecoder
    private var authentication: ConnectionAuthentication
    private var inFlight: InFlightRequests<Work>
    private var frameClock: FrameClock
    private var stallClock: StallClock
    private var lastActivity: NIODeadline
    private var nextNumber: UInt64 = 0

    /// A connection that opens now.
    /// - Parameter principal: who the peer is, where no authenticator has to be asked.
    init(limits: ServerConnectionLimits, principal: RPCPrincipal?, now: NIODeadline) {
        self.limits = limits
        decoder = FrameDecoder(limits: limits.frames)
        authentication = principal.map { .accepted($0) } ?? .awaited
        inFlight = InFlightRequests(
            maximumCount: limits.maximumInFlight, maximumBytes: limits.maximumInFlightBytes)
        frameClock = FrameClock(
            timeout: limits.frameReadTimeout, minimumBytesPerSecond: limits.minimumBytesPerSecond)
        stallClock = StallClock(timeout: limits.writeStallTimeout)
        lastActivity = now
    }

    /// Requests whose handlers have not ended, answered or not.
    var requestsInFlight: Int { inFlight.count }

    /// The bytes of their frames.
    var bytesInFlight: Int { inFlight.bytes }

    // MARK: Requests

    /// Whether to read more. Back-pressure on the peer: no while enough is being handled, while its first request is
    /// held, or while it takes no answers.
    func wantsBytes(isWritable: Bool) -> Bool {
        phase == .open && !authentication.isVerifying && inFlight.hasRoom && isWritable
    }

    /// Bytes have come; ``nextRequest(isWritable:isDraining:now:)`` cuts requests out of them.
    mutating func received(_ bytes: ByteBuffer) {
        guard phase == .open else { return }
        decoder.append(bytes)
    }

    /// Takes the next request, if there is one and the limits allow it: to be called until it says ``Action/wait``.
    mutating func nextRequest(
        isWritable: Bool, isDraining: Bool, now: @autoclosure () -> NIODeadline
    ) -> Action {
        guard wantsBytes(isWritable: isWritable) else { return .wait }
        do throws(FramingError) {
            guard let frame = try decoder.next() else { return .wait }
            guard let meta = RPCMeta(decoding: frame.meta) else { throw .malformedMeta }
            requestsTaken += 1
            return take(frame, meta, isDraining: isDraining, now: now())
        } catch {
            phase = .closing
            return .closeUnparseable(error)
        }
    }

    /// The authenticator has decided about the peer.
    mutating func verified(
        _ verdict: Result<RPCPrincipal, RPCError>, isDraining: Bool, now: NIODeadline
    ) -> Action {
        guard phase != .closed, case .verifying(let held) = authentication else { return .wait }
        switch verdict {
        case .success(let principal):
            authentication = .accepted(principal)
            return admit(held.frame, held.meta, principal, isDraining: isDraining, now: now)
        case .failure(let error):
            return reject(held, error)
        }
    }

    /// A request is being handled from now on.
    mutating func started(_ request: borrowing AdmittedRequest, _ work: consuming Work) {
        inFlight.add(
            request.number,
            .init(
                correlationID: request.correlationID, startedAt: request.startedAt, deadline: request.deadline,
                bytes: request.bytes, work: work))
    }

    /// A handler has ended. Its answer is sent unless the deadline was answered before, or the connection is gone.
    mutating func answered(_ number: UInt64, _ answer: consuming Answer) -> Action {
        guard let request = inFlight.remove(number), !request.isAnswered else { return .wait }
        return .send(answer, request.work, startedAt: request.startedAt)
    }

    /// An answer was handed to the transport.
    mutating func wrote(_ bytes: Int) {
        stallClock.wrote(bytes)
    }

    @inline(__always)
    private mutating func take(_ frame: Frame, _ meta: RPCMeta, isDraining: Bool, now: NIODeadline) -> Action {
        if case .accepted(let principal) = authentication {
            return admit(frame, meta, principal, isDraining: isDraining, now: now)
        }
        authentication = .verifying(.init(frame: frame, meta: meta, deadline: deadline(of: meta, from: now)))
        return .authenticate(meta.authenticationData)
    }

    // Inlined, like take: the request is large, and would be moved at every call.
    @inline(__always)
    private mutating func admit(
        _ frame: Frame, _ meta: RPCMeta, _ principal: RPCPrincipal, isDraining: Bool, now: NIODeadline
    ) -> Action {
        func refuse(_ status: RPCStatus, _ message: String) -> Action {
            .refuse(RPCError(status, message), correlationID: meta.correlationID)
        }
        guard !isDraining else {
            return refuse(.shuttingDown, "the server is shutting down; send the request to another one")
        }
        if let fault = meta.textFault {
            return refuse(.badRequest, "the frame's metadata (eclm.rpc.RpcMeta): \(fault)")
        }
        guard let named = meta.request else {
            return refuse(.badRequest, "the frame's metadata holds no request")
        }
        guard meta.compressType == 0 else {
            return refuse(
                .badRequest,
                "compress_type \(meta.compressType) is not offered; send uncompressed: gzip and snappy are not supported"
            )
        }
        guard let (payload, attachment) = frame.parts(attachmentSize: meta.attachmentSize) else {
            return refuse(
                .badRequest,
                "attachment_size \(meta.attachmentSize) does not fit the \(frame.body.readableBytes) bytes sent")
        }
        let number = nextNumber
        nextNumber += 1
        return .start(
            AdmittedRequest(
                number: number, correlationID: meta.correlationID, named: named,
                request: RPCRequest(payload: payload, attachment: attachment), principal: principal, startedAt: now,
                deadline: deadline(of: meta, from: now), bytes: frame.totalBytes))
    }

    private mutating func reject(_ held: ConnectionAuthentication.HeldRequest, _ error: RPCError) -> Action {
        authentication = .refused
        phase = .closing
        return .reject(error, correlationID: held.meta.correlationID)
    }

    private func deadline(of meta: RPCMeta, from now: NIODeadline) -> NIODeadline {
        limits.deadline(timeoutMilliseconds: meta.request?.timeoutMilliseconds, from: now)
    }

    // MARK: The clock

    /// The peer has sent something, or a handler has answered: the connection is not idle.
    mutating func wasActive(now: NIODeadline) {
        lastActivity = now
    }

    /// Notes what the connection as a whole now waits for, and says when to look at the clock; each request has a
    /// deadline of its own beside it.
    ///
    /// It runs for every burst, so it asks for the bytes that wait only where a stall is possible.
    mutating func nextDeadline(
        isWritable: Bool, pendingBytes: @autoclosure () -> Int, now: NIODeadline
    ) -> NIODeadline {
        frameClock.observe(decoder, isReading: wantsBytes(isWritable: isWritable), now: now)
        if stallClock.isRunning || !isWritable { stallClock.observe(pendingBytes: pendingBytes(), now: now) }
        // Where the connection is busy, idleness is looked at again one period on.
        let idle = lastActivity.advanced(by: limits.idleTimeout)
        var next = idle > now ? idle : now.advanced(by: limits.idleTimeout)
        if let deadline = authentication.deadline { next = min(next, deadline) }
        if let deadline = frameClock.deadline { next = min(next, deadline) }
        if let deadline = stallClock.deadline { next = min(next, deadline) }
        return next
    }

    /// Gives overdue requests up: each is to be cancelled and answered ERPCTIMEDOUT. Its handler counts until it ends.
    mutating func expireRequests(now: NIODeadline) -> [InFlightRequests<Work>.Request] {
        inFlight.expire(now: now)
    }

    /// Ends the connection where something about it is overdue, and else says when to look again.
    mutating func checkDeadlines(
        isWritable: Bool, pendingBytes: @autoclosure () -> Int, now: NIODeadline
    ) -> Action {
        guard phase != .closed else { return .wait }
        if case .verifying(let held) = authentication, held.deadline <= now {
            return reject(
                held, RPCError(.timedOut, "the deadline passed before the connection was authenticated"))
        }
        if let reason = overdue(pendingBytes: pendingBytes, now: now) {
            phase = .closing
            return .close(reason)
        }
        stallClock.observe(pendingBytes: pendingBytes(), now: now)
        let next = nextDeadline(isWritable: isWritable, pendingBytes: pendingBytes(), now: now)
        return .wakeUp(at: inFlight.nextDeadline.map { min($0, next) } ?? next)
    }

    private func overdue(pendingBytes: () -> Int, now: NIODeadline) -> CloseReason? {
        if frameClock.isOverdue(decoder, now: now) { return .slowFrame }
        if stallClock.isOverdue(pendingBytes: pendingBytes, now: now) { return .stalledPeer }
        let isIdle = inFlight.isEmpty && !frameClock.isRunning && pendingBytes() == 0
        return isIdle && lastActivity.advanced(by: limits.idleTimeout) <= now ? .idle : nil
    }

    // MARK: Ending

    /// Takes no more requests. Handlers still answer.
    mutating func stopTakingRequests() {
        if phase == .open { phase = .closing }
    }

    /// The connection is gone.
    /// - Returns: what is still being handled, to be cancelled.
    mutating func closed() -> [Work] {
        phase = .closed
        return inFlight.removeAll()
    }
}
