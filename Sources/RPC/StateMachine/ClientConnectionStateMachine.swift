import NIOCore

/// What the client's side of one connection does next: a value that is told what happens and answers what to do about
/// it. It does no input or output, resumes nobody and looks at no clock; ``ClientConnection`` keeps it behind a lock for
/// the tasks that call, and ``ClientReceiver`` drives it from the event loop.
///
/// `Waiter` is who waits for an answer: the machine hands it back and never looks at it. It hands each back once.
struct ClientConnectionStateMachine<Waiter: Sendable>: Sendable {
    enum Phase {
        /// Requests wait in line.
        case connecting
        case open
        /// It is over, and the pool is being told. Calls that still come fail with the others.
        case ending
        case ended
    }

    /// What a call meets.
    enum Admission: Equatable {
        case accepted
        /// Too many bytes wait to be sent already.
        case overcrowded
        /// The connection takes no more calls; take another one.
        case stale
    }

    /// What the event loop has to do.
    enum Action {
        /// Nothing, until something else happens.
        case wait
        case write([OutgoingRequest])
        /// Close the transport; ``closed()`` follows.
        case close
        /// Tell the pool that the connection is unused; ``close()`` follows.
        case retireAndClose
        /// Tell the pool how it ended; ``end()`` follows.
        case finish(ConnectionOutcome)
        /// Look at the clock again at this time at the latest.
        case wakeUp(at: NIODeadline)
    }

    /// What the event loop has to do with an answer.
    enum AnswerAction {
        /// Nobody waits for it.
        case ignore
        case answer(Waiter)
        /// Tell the pool that the server wants no more calls here; then answer, if somebody waits.
        case retire(answering: Waiter?)
    }

    /// A call that ends with the connection.
    struct Failure: Sendable {
        var waiter: Waiter
        var error: RPCError
    }

    private struct Call {
        var waiter: Waiter
        var deadline: NIODeadline
        /// Whether the server may have seen the request.
        var isSent = false
    }

    let maximumUnsentBytes: Int
    let idleTimeout: Duration
    private(set) var phase = Phase.connecting
    /// Whether the next request has to say who calls.
    private(set) var needsAuthentication: Bool
    /// Bytes of accepted requests that were not given to the transport yet.
    private(set) var unsentBytes = 0
    private var calls: [Int64: Call] = [:]
    /// Requests made before the connection was.
    private var waiting: [OutgoingRequest] = []
    /// No new calls; it closes when the last pending one is answered.
    private var isRetired = false
    private var hasAnswered = false
    private var isCloseWanted = false
    private var lastActivity: NIODeadline
    /// The first answer, if it says that the connection is not welcome.
    private var refusal: RPCError?
    private var endReason = "the connection closed"
    private var endCause: (any Error)?

    /// A connection that is being made from now on.
    /// - Parameter authenticates: whether its first request carries authentication data.
    init(maximumUnsentBytes: Int, idleTimeout: Duration, authenticates: Bool, now: NIODeadline) {
        self.maximumUnsentBytes = maximumUnsentBytes
        self.idleTimeout = idleTimeout
        needsAuthentication = authenticates
        lastActivity = now
    }

    private var isAlive: Bool { phase == .connecting || phase == .open }

    /// Calls that wait for an answer.
    var pendingCalls: Int { calls.count }

    // MARK: Calls, from any task

    /// Whether a call may be made now.
    var admission: Admission {
        if unsentBytes > maximumUnsentBytes { return .overcrowded }
        return phase == .ended || isRetired ? .stale : .accepted
    }

    /// An accepted call; its request is on the way to ``take(_:now:)``.
    mutating func call(_ request: OutgoingRequest, _ waiter: Waiter) {
        calls[request.id] = Call(waiter: waiter, deadline: request.deadline)
        unsentBytes += request.frame.totalBytes
        if request.carriesAuthentication { needsAuthentication = false }
    }

    /// Gives a call up.
    /// - Returns: who waited for it; `nil` where it has ended already.
    mutating func giveUp(_ id: Int64) -> Waiter? {
        calls.removeValue(forKey: id)?.waiter
    }

    // MARK: Sending

    mutating func opened(now: NIODeadline) -> Action {
        // It was closed while it was being made.
        guard phase == .connecting else { return .close }
        phase = .open
        let requests = waiting
        waiting = []
        return send(requests, now: now)
    }

    /// Requests of accepted calls, in the order of ``call(_:_:)``.
    mutating func take(_ requests: [OutgoingRequest], now: NIODeadline) -> Action {
        switch phase {
        case .connecting:
            waiting.append(contentsOf: requests)
            return .wait
        case .open: return send(requests, now: now)
        case .ending, .ended: return .wait
        }
    }

    /// Counts as sent those that somebody still waits for.
    private mutating func send(_ requests: [OutgoingRequest], now: NIODeadline) -> Action {
        var abandoned = 0
        for request in requests {
            unsentBytes -= request.frame.totalBytes
            if (calls[request.id]?.isSent = true) == nil, !request.carriesAuthentication { abandoned += 1 }
        }
        guard requests.count > abandoned else { return .wait }
        lastActivity = now
        return .write(abandoned == 0 ? requests : requests.filter { isWanted($0) })
    }

    private func isWanted(_ request: OutgoingRequest) -> Bool {
        request.carriesAuthentication || calls[request.id] != nil
    }

    // MARK: Answers

    /// The server has answered a call; an answer that nobody waits for any more is ignored.
    /// - Parameter failure: the answer's error; `nil` where it is a response.
    mutating func answered(_ id: Int64, failure: RPCError?) -> AnswerAction {
        let waiter = giveUp(id)
        if let failure, failure.status == .unauthenticated, !hasAnswered {
            refusal = failure
        } else {
            refusal = nil
            hasAnswered = true
        }
        if failure?.status == .shuttingDown {
            isRetired = true
            return .retire(answering: waiter)
        }
        return waiter.map { .answer($0) } ?? .ignore
    }

    /// Everything that has arrived was told.
    mutating func burstEnded(now: NIODeadline) -> Action {
        lastActivity = now
        return isSpent ? .close : .wait
    }

    /// The server's bytes make no frames.
    mutating func unparseable(_ error: FramingError) -> Action {
        guard phase == .open else { return .wait }
        endReason = "the connection was closed because \(error)"
        return .close
    }

    /// Whether it is retired and nothing is pending.
    private var isSpent: Bool { phase == .open && isRetired && calls.isEmpty }

    // MARK: The clock

    /// Gives overdue calls up, wherever their requests are.
    mutating func expireCalls(now: NIODeadline) -> [Waiter] {
        var expired: [Waiter] = []
        for (id, call) in calls where call.deadline <= now {
            calls.removeValue(forKey: id)
            expired.append(call.waiter)
        }
        return expired
    }

    /// Closes the connection where it is unused, and else says when to look again.
    mutating func checkDeadlines(now: NIODeadline) -> Action {
        guard isAlive else { return .wait }
        let idle = lastActivity.advanced(by: idleTimeout)
        if idle <= now, calls.isEmpty {
            isRetired = true
            return .retireAndClose
        }
        if isSpent { return .close }
        // Where calls are pending, idleness is looked at again one period on.
        let next = idle > now ? idle : now.advanced(by: idleTimeout)
        return .wakeUp(at: calls.values.reduce(next) { min($0, $1.deadline) })
    }

    // MARK: Ending

    /// The connection could not be made.
    mutating func failedToOpen(_ error: any Error, to endpoint: String) -> Action {
        let reason = "cannot connect to \(endpoint): \(error)"
        return finish(reason, cause: error, .failed(RPCError(.connectionFailed, reason, cause: error)))
    }

    /// Nobody wants the connection any more.
    mutating func close() -> Action {
        guard isAlive else { return .wait }
        isCloseWanted = true
        endReason = "the client was closed"
        return phase == .open ? .close : finish(endReason, cause: nil, .served)
    }

    /// The transport is gone.
    mutating func closed() -> Action {
        let isServed = hasAnswered || isCloseWanted
        return finish(
            endReason, cause: nil,
            isServed
                ? .served
                : .failed(refusal ?? RPCError(.connectionFailed, "\(endReason) before it answered anything")))
    }

    private mutating func finish(_ reason: String, cause: (any Error)?, _ outcome: ConnectionOutcome) -> Action {
        guard isAlive else { return .wait }
        phase = .ending
        endReason = reason
        endCause = cause
        waiting = []
        return .finish(outcome)
    }

    /// Ends the calls that are pending: as never sent where that is certain, else as lost on the way.
    mutating func end() -> [Failure] {
        phase = .ended
        unsentBytes = 0
        defer { calls = [:] }
        return calls.values.map { Failure(waiter: $0.waiter, error: refusal ?? error(of: $0)) }
    }

    private func error(of call: Call) -> RPCError {
        call.isSent
            ? RPCError(.connectionClosed, "\(endReason) before the answer; the request may have been carried out")
            : RPCError(.connectionFailed, endReason, cause: endCause)
    }
}
