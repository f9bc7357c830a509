import NIOCore
import Synchronization

/// The caller's side of one connection, as any task may use it. It exists from the moment a connection is wanted: calls
/// made while it is being opened wait in line, each with its own deadline.
final class ClientConnection: Sendable {
    /// A call waiting for its answer.
    private struct Pending {
        var continuation: CheckedContinuation<RPCResponse, any Error>
        var deadline: NIODeadline
        /// Whether the server may have seen the request.
        var isSent = false
    }

    private struct State {
        var pending: [Int64: Pending] = [:]
        var hasSentAuthentication = false
        var ended = false
        /// No new calls; it closes when the last pending one is answered.
        var isRetired = false
    }

    /// A request on its way to the event loop.
    struct Outgoing: Sendable {
        var id: Int64
        var frame: EncodedFrame
        var deadline: NIODeadline
        /// The first request: later ones depend on it, so it is sent even if nobody waits any more.
        var carriesAuthentication: Bool
    }

    /// The connection ended before the call could join it; take another one.
    struct Stale: Error {}

    let configuration: RPCClientConfiguration
    let counters: ClientCounters
    let eventLoop: any EventLoop
    let outbox: Outbox<Outgoing>
    private let state = Mutex(State())
    private let nextID = Atomic<Int64>(0)
    private let unsent = Atomic<Int>(0)
    private let calls = Atomic<Int>(0)
    private let opened = Atomic<Bool>(false)

    init(configuration: RPCClientConfiguration, counters: ClientCounters, eventLoop: any EventLoop) {
        self.configuration = configuration
        self.counters = counters
        self.eventLoop = eventLoop
        outbox = Outbox(eventLoop: eventLoop)
    }

    /// Calls waiting for answers.
    var load: Int { calls.load(ordering: .relaxed) }

    /// Whether the connection is made; until then calls wait in line.
    var isOpen: Bool { opened.load(ordering: .relaxed) }

    // MARK: Calling

    /// Sends a request and waits for its answer.
    /// - Throws: ``RPCError``, or ``Stale`` where nothing was sent and another connection should be taken.
    func call(
        service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, deadline: NIODeadline
    ) async throws -> RPCResponse {
        let id = nextID.add(1, ordering: .relaxed).newValue
        let left = deadline - NIODeadline.now()
        let meta = RPCMeta(
            request: .init(
                service: service, method: method,
                timeoutMilliseconds: Duration.nanoseconds(left.nanoseconds).wholeMilliseconds),
            correlationID: id)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                start(id, meta, payload, attachment, deadline, continuation)
            }
        } onCancel: {
            fail(id, RPCError(.cancelled, "the calling task was cancelled"))
        }
    }

    private func start(
        _ id: Int64, _ meta: RPCMeta, _ payload: ByteBuffer, _ attachment: ByteBuffer, _ deadline: NIODeadline,
        _ continuation: CheckedContinuation<RPCResponse, any Error>
    ) {
        let outgoing: Outgoing
        do {
            outgoing = try encode(id, meta, payload, attachment, deadline)
        } catch {
            return continuation.resume(throwing: error)
        }
        let isAccepted = state.withLock { state in
            guard !state.ended, !state.isRetired else { return false }
            state.pending[id] = Pending(continuation: continuation, deadline: deadline)
            var outgoing = outgoing
            if let data = configuration.authenticationData, !state.hasSentAuthentication {
                var meta = meta
                meta.authenticationData = data
                if let encoded = try? encode(id, meta, payload, attachment, deadline) {
                    state.hasSentAuthentication = true
                    outgoing = encoded
                    outgoing.carriesAuthentication = true
                }
            }
            calls.add(1, ordering: .relaxed)
            unsent.add(outgoing.frame.totalBytes, ordering: .relaxed)
            // Within the lock, so that no other request overtakes the one with the authentication data.
            outbox.push(outgoing)
            return true
        }
        guard isAccepted else { return continuation.resume(throwing: Stale()) }
        // Cancellation between the handler's installation and the registration above found nothing to fail.
        if Task.isCancelled { fail(id, RPCError(.cancelled, "the calling task was cancelled")) }
    }

    private func encode(
        _ id: Int64, _ meta: RPCMeta, _ payload: ByteBuffer, _ attachment: ByteBuffer, _ deadline: NIODeadline
    ) throws(RPCError) -> Outgoing {
        guard unsent.load(ordering: .relaxed) <= configuration.maximumUnsentBytes else {
            throw RPCError(
                .overcrowded,
                "more than \(configuration.maximumUnsentBytes) bytes wait to be sent to this server; send less at a time"
            )
        }
        guard
            let frame = EncodedFrame(
                meta: meta, payload: payload, attachment: attachment, maximumBodyBytes: configuration.maximumFrameBytes)
        else {
            throw RPCError(
                .badRequest,
                """
                the request of \(payload.readableBytes) and \(attachment.readableBytes) attached bytes exceeds the \
                frame limit of \(configuration.maximumFrameBytes)
                """)
        }
        return Outgoing(id: id, frame: frame, deadline: deadline, carriesAuthentication: false)
    }

    // MARK: Ending calls

    /// Answers a call; a call nobody waits for any more is ignored.
    func answer(_ id: Int64, _ result: Result<RPCResponse, RPCError>) {
        guard let pending = take(id) else { return }
        switch result {
        case .success(let response): pending.continuation.resume(returning: response)
        case .failure(let error): pending.continuation.resume(throwing: error)
        }
    }

    private func fail(_ id: Int64, _ error: RPCError) {
        answer(id, .failure(error))
    }

    private func take(_ id: Int64) -> Pending? {
        let pending = state.withLock { $0.pending.removeValue(forKey: id) }
        if pending != nil { calls.subtract(1, ordering: .relaxed) }
        return pending
    }

    /// Fails the calls whose deadline has passed.
    /// - Returns: the earliest deadline left, if any.
    func failOverdue(_ now: NIODeadline) -> NIODeadline? {
        let (overdue, next) = state.withLock { state in
            let overdue = state.pending.filter { $0.value.deadline <= now }
            for id in overdue.keys { state.pending.removeValue(forKey: id) }
            return (overdue, state.pending.values.map(\.deadline).min())
        }
        calls.subtract(overdue.count, ordering: .relaxed)
        for pending in overdue.values {
            pending.continuation.resume(
                throwing: RPCError(.timedOut, "no answer within the call's timeout; allow more time or try again"))
        }
        return next
    }

    // MARK: The connection's life, told by the event loop

    func didOpen() { opened.store(true, ordering: .relaxed) }

    /// Of the requests about to be written, those somebody still waits for; they count as sent from now on.
    func markSent(_ outgoing: [Outgoing]) -> [Outgoing] {
        let bytes = outgoing.reduce(0) { $0 + $1.frame.totalBytes }
        unsent.subtract(bytes, ordering: .relaxed)
        return state.withLock { state in
            outgoing.filter { request in
                guard state.pending[request.id] != nil else { return request.carriesAuthentication }
                state.pending[request.id]?.isSent = true
                return true
            }
        }
    }

    /// Takes no more calls; those pending are still answered.
    func retire() {
        state.withLock { $0.isRetired = true }
    }

    /// Whether it is retired and nothing is pending.
    var isSpent: Bool {
        state.withLock { $0.isRetired && $0.pending.isEmpty }
    }

    /// Retires the connection if nothing is pending.
    func retireIfUnused() -> Bool {
        state.withLock { state in
            guard state.pending.isEmpty else { return false }
            state.isRetired = true
            return true
        }
    }

    /// Fails everything pending: as never sent where that is certain, else as lost on the way.
    func end(_ reason: String, cause: (any Error)? = nil, refusal: RPCError? = nil) {
        let pending = state.withLock { state in
            state.ended = true
            defer { state.pending = [:] }
            return state.pending
        }
        calls.subtract(pending.count, ordering: .relaxed)
        for call in pending.values {
            let error =
                refusal
                ?? (call.isSent
                    ? RPCError(.connectionClosed, "\(reason) before the answer; the request may have been carried out")
                    : RPCError(.connectionFailed, reason, cause: cause))
            call.continuation.resume(throwing: error)
        }
    }
}
