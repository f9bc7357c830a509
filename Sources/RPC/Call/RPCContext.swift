public import NIOCore

/// What a handler may know about the call it answers.
public struct RPCContext: Sendable {
    /// Where the call comes from, for logs: an address, a socket path, or `in-process`.
    public var peer: String
    /// The service called.
    public var service: String
    /// The method called.
    public var method: String
    /// When the caller gets ERPCTIMEDOUT and the handler's task is cancelled.
    public var deadline: NIODeadline
    /// Who calls, as the server's authenticator found when the connection began.
    public var principal: RPCPrincipal
    /// The caller's `log_id`, to join logs of both sides.
    public var logID: Int64?
    /// The trace this call belongs to.
    public var traceID: Int64?
    /// The caller's span in that trace.
    public var spanID: Int64?
    /// The parent of the caller's span.
    public var parentSpanID: Int64?
    /// The caller's own name for the request; not an idempotency key.
    public var requestID: String?
    /// Raised when the server begins to shut down; none where a test made the context.
    var drain: DrainSignal?

    /// A context; the server makes it, and tests of a single handler may.
    public init(
        peer: String, service: String, method: String, deadline: NIODeadline, principal: RPCPrincipal = .anonymous,
        logID: Int64? = nil, traceID: Int64? = nil, spanID: Int64? = nil, parentSpanID: Int64? = nil,
        requestID: String? = nil
    ) {
        self.peer = peer
        self.service = service
        self.method = method
        self.deadline = deadline
        self.principal = principal
        self.logID = logID
        self.traceID = traceID
        self.spanID = spanID
        self.parentSpanID = parentSpanID
        self.requestID = requestID
    }

    /// The time left until the deadline; zero once it has passed.
    public var remaining: Duration {
        let left = deadline - NIODeadline.now()
        return left > .zero ? .nanoseconds(left.nanoseconds) : .zero
    }

    /// Returns when the server begins to shut down, for a handler that waits on purpose: it answers then, so that the
    /// shutdown need not wait for it.
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func untilShutdown() async throws {
        guard let drain else { return try await Task.sleep(for: .seconds(1 << 32)) }
        try await drain.wait()
    }
}
