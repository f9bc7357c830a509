public import RPC

/// When a device sends a request again, and how long it waits before.
///
/// Waits grow exponentially and are spread at random over their upper half, so that a fleet that lost its server
/// together does not come back together.
public struct RetryPolicy: Sendable, Hashable {
    /// How long one call may go on in all, attempts and waits together.
    public var deadline: Duration
    /// How long one attempt waits for its answer.
    public var attemptTimeout: Duration
    /// Attempts at most, the first included.
    public var maximumAttempts: Int
    /// The longest wait before the second attempt; it doubles with each further one.
    public var initialBackoff: Duration
    /// The longest wait of all.
    public var maximumBackoff: Duration

    public init(
        deadline: Duration = .seconds(60), attemptTimeout: Duration = .seconds(30), maximumAttempts: Int = 12,
        initialBackoff: Duration = .milliseconds(100), maximumBackoff: Duration = .seconds(10)
    ) {
        self.deadline = deadline
        self.attemptTimeout = attemptTimeout
        self.maximumAttempts = maximumAttempts
        self.initialBackoff = initialBackoff
        self.maximumBackoff = maximumBackoff
    }

    /// Every request once.
    public static let never = RetryPolicy(maximumAttempts: 1)

    /// The wait after a failed attempt.
    ///
    /// - Parameters:
    ///   - attempt: Which attempt failed, from 1.
    ///   - random: A number from 0 to 1 that spreads the waits; by default a random one.
    public func backoff(afterAttempt attempt: Int, random: Double = .random(in: 0...1)) -> Duration {
        let grown = min(initialBackoff * (1 << min(max(attempt - 1, 0), 20)), maximumBackoff)
        return grown * (0.5 + 0.5 * min(max(random, 0), 1))
    }

    /// Whether a failed call may be sent again.
    ///
    /// - Parameter isRepeatable: Whether carrying the request out twice does no harm. If it does, only requests that
    ///   were certainly not carried out are sent again.
    public func allows(_ error: RPCError, isRepeatable: Bool) -> Bool {
        if error.isRetryable { return true }
        return isRepeatable && (error.isTransient || error.status == .timedOut)
    }
}
