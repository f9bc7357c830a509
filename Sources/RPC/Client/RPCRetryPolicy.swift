/// When a request is sent again, and how long to wait before.
///
/// A request that was certainly not carried out (``RPCError/isRetryable``) is sent again whatever the method. One that
/// may have been (``RPCError/isTransient``, or no answer in time) is sent again only where the method is repeatable.
/// Waits grow exponentially and are spread at random over their upper half, so that a fleet that lost its server
/// together does not come back together.
public struct RPCRetryPolicy: Sendable, Hashable {
    /// How long one call may go on in all, attempts and waits together.
    public var deadline: Duration
    /// How long one attempt waits for its answer; `nil` for the method's own deadline.
    public var attemptTimeout: Duration?
    /// Attempts at most, the first included.
    public var maximumAttempts: Int
    /// The longest wait before the second attempt; it doubles with each further one.
    public var initialBackoff: Duration
    /// The longest wait of all.
    public var maximumBackoff: Duration

    public init(
        deadline: Duration = .seconds(60), attemptTimeout: Duration? = nil, maximumAttempts: Int = 12,
        initialBackoff: Duration = .milliseconds(100), maximumBackoff: Duration = .seconds(10)
    ) {
        self.deadline = deadline
        self.attemptTimeout = attemptTimeout
        self.maximumAttempts = maximumAttempts
        self.initialBackoff = initialBackoff
        self.maximumBackoff = maximumBackoff
    }

    /// Every request once.
    public static let never = RPCRetryPolicy(maximumAttempts: 1)

    /// The wait after a failed attempt.
    ///
    /// - Parameters:
    ///   - attempt: Which attempt failed, from 1.
    ///   - random: A number from 0 to 1 that spreads the waits; by default a random one.
    public func backoff(afterAttempt attempt: Int, random: Double = .random(in: 0...1)) -> Duration {
        Self.exponential(initialBackoff, step: max(attempt, 1) - 1, maximum: maximumBackoff, random: random)
    }

    /// Whether a failed call may be sent again.
    ///
    /// - Parameter isRepeatable: Whether carrying the request out twice does no harm.
    public func allows(_ error: RPCError, isRepeatable: Bool) -> Bool {
        if error.isRetryable { return true }
        return isRepeatable && (error.isTransient || error.status == .timedOut)
    }

    /// `initial` doubled `step` times, at most `maximum`, spread over its upper half.
    static func exponential(
        _ initial: Duration, step: Int, maximum: Duration, random: Double = .random(in: 0...1)
    ) -> Duration {
        let grown = min(initial * (1 << min(max(step, 0), 20)), maximum)
        return grown * (0.5 + 0.5 * min(max(random, 0), 1))
    }
}
