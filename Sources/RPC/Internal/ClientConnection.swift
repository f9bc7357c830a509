import NIOCore
import Synchronization

/// The caller's side of one connection, as any task may use it: what ``ClientConnectionStateMachine`` decides, behind a
/// lock. It exists from the moment a connection is wanted: calls made while it is being opened wait in line, each with
/// its own deadline.
final class ClientConnection: Sendable {
    typealias StateMachine = ClientConnectionStateMachine<CheckedContinuation<RPCResponse, any Error>>

    /// The connection ended before the call could join it; take another one.
    struct Stale: Error {}

    let configuration: RPCClientConfiguration
    let counters: ClientCounters
    let eventLoop: any EventLoop
    let outbox: Outbox<OutgoingRequest>
    private let machine: Mutex<StateMachine>
    private let nextID = Atomic<Int64>(0)
    private let pendingCalls = Atomic<Int>(0)
    private let opened = Atomic<Bool>(false)

    init(configuration: RPCClientConfiguration, counters: ClientCounters, eventLoop: any EventLoop) {
        self.configuration = configuration
        self.counters = counters
        self.eventLoop = eventLoop
        outbox = Outbox(eventLoop: eventLoop)
        machine = Mutex(
            StateMachine(
                maximumUnsentBytes: configuration.maximumUnsentBytes, idleTimeout: configuration.idleTimeout,
                authenticates: configuration.authenticationData != nil, now: .now()))
    }

    /// Calls waiting for answers; read without the lock, to choose among connections.
    var load: Int { pendingCalls.load(ordering: .relaxed) }

    /// Whether the connection is made; until then calls wait in line.
    var isOpen: Bool { opened.load(ordering: .relaxed) }

    func didOpen() { opened.store(true, ordering: .relaxed) }

    /// Tells the machine what happened, and returns what it says.
    @inline(__always)
    func tell<Reply: Sendable>(_ event: (inout StateMachine) -> Reply) -> Reply {
        machine.withLock { machine in
            let reply = event(&machine)
            pendingCalls.store(machine.pendingCalls, ordering: .relaxed)
            return reply
        }
    }

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
                start(meta, payload, attachment, deadline, continuation)
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func start(
        _ meta: RPCMeta, _ payload: ByteBuffer, _ attachment: ByteBuffer, _ deadline: NIODeadline,
        _ continuation: CheckedContinuation<RPCResponse, any Error>
    ) {
        let frame = encode(meta, payload, attachment)
        let refusal: (any Error)? = tell { machine in
            let admission = machine.admission
            guard admission != .overcrowded else { return overcrowded }
            guard let frame else { return tooLarge(payload, attachment) }
            guard admission == .accepted else { return Stale() }
            var request = OutgoingRequest(id: meta.correlationID, frame: frame, deadline: deadline)
            if machine.needsAuthentication {
                var meta = meta
                meta.authenticationData = configuration.authenticationData
                if let frame = encode(meta, payload, attachment) {
                    request.frame = frame
                    request.carriesAuthentication = true
                }
            }
            machine.call(request, continuation)
            // Within the lock, so that no other request overtakes the one with the authentication data.
            outbox.push(request)
            return nil
        }
        if let refusal { return continuation.resume(throwing: refusal) }
        // Cancellation between the handler's installation and the registration above found nothing to give up.
        if Task.isCancelled { cancel(meta.correlationID) }
    }

    private func cancel(_ id: Int64) {
        let waiter = tell { $0.giveUp(id) }
        waiter?.resume(throwing: RPCError(.cancelled, "the calling task was cancelled"))
    }

    private func encode(_ meta: RPCMeta, _ payload: ByteBuffer, _ attachment: ByteBuffer) -> EncodedFrame? {
        EncodedFrame(
            meta: meta, payload: payload, attachment: attachment, maximumBodyBytes: configuration.maximumFrameBytes)
    }

    private var overcrowded: RPCError {
        RPCError(
            .overcrowded,
            "more than \(configuration.maximumUnsentBytes) bytes wait to be sent to this server; send less at a time")
    }

    private func tooLarge(_ payload: ByteBuffer, _ attachment: ByteBuffer) -> RPCError {
        RPCError(
            .badRequest,
            """
            the request of \(payload.readableBytes) and \(attachment.readableBytes) attached bytes exceeds the \
            frame limit of \(configuration.maximumFrameBytes)
            """)
    }
}
