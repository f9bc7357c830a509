public import ECLMCore

/// When a request is sent again, and how long to wait before.
///
/// A request that was certainly not carried out (``RPCError/isRetryable``) is sent again whatever the method. One that
/// may have been (``RPCError/isTransient``, or no answer in time) is sent again only where the method is repeatable.
public struct RPCRetryPolicy: Sendable, Hashable {
    /// How long one call may go on in all, attempts and waits together.
    public var deadline: Duration
    /// How long one attempt waits for its answer; `nil` for the method's own deadline.
    public var attemptTimeout: Duration?
    /// Attempts at most, the first included.
    public var maximumAttempts: Int
    /// The waits between attempts.
    public var backoff: Backoff

    public init(
        deadline: Duration = .seconds(60), attemptTimeout: Duration? = nil, maximumAttempts: Int = 12,
        backoff: Backoff = Backoff(first: .milliseconds(100), longest: .seconds(10))
    ) {
        self.deadline = deadline
        self.attemptTimeout = attemptTimeout
        self.maximumAttempts = maximumAttempts
        self.backoff = backoff
    }

    /// Every request once.
    public static let never = RPCRetryPolicy(maximumAttempts: 1)

    /// Whether a failed call may be sent again.
    ///
    /// - Parameter isRepeatable: Whether carrying the request out twice does no harm.
    public func allows(_ error: RPCError, isRepeatable: Bool) -> Bool {
        if error.isRetryable { return true }
        return isRepeatable && (error.isTransient || error.status == .timedOut)
    }
}
