/// When a client sends a request again.
///
/// A request that was certainly not carried out (``RPCError/isRetryable``) is sent again whatever the method. One that
/// may have been (``RPCError/isTransient``) is sent again only where the method is named idempotent. Never after the
/// call's timeout.
public struct RPCRetryPolicy: Sendable {
    /// Which methods do no harm when carried out twice.
    public struct IdempotentMethods: Sendable {
        private let isAll: Bool
        private let names: Set<String>

        public static let none = Self(isAll: false, names: [])
        /// All: every service this client talks to is built that way.
        public static let all = Self(isAll: true, names: [])
        /// The ones named `Service/Method`.
        public static func named(_ names: Set<String>) -> Self { Self(isAll: false, names: names) }

        func contains(service: String, method: String) -> Bool {
            isAll || (!names.isEmpty && names.contains("\(service)/\(method)"))
        }
    }

    /// Times a request is sent at most, the first included.
    public var maximumAttempts: Int
    /// The wait before the second attempt, up to as much again at random; it doubles with each further one.
    public var initialBackoff: Duration
    /// The longest wait between two attempts.
    public var maximumBackoff: Duration
    /// Which methods may be carried out twice.
    public var idempotentMethods: IdempotentMethods

    /// A policy.
    public init(
        maximumAttempts: Int = 4, initialBackoff: Duration = .milliseconds(50), maximumBackoff: Duration = .seconds(2),
        idempotentMethods: IdempotentMethods = .none
    ) {
        self.maximumAttempts = maximumAttempts
        self.initialBackoff = initialBackoff
        self.maximumBackoff = maximumBackoff
        self.idempotentMethods = idempotentMethods
    }

    /// Sends every request once.
    public static let never = Self(maximumAttempts: 1)

    /// The wait before attempt `attempt` + 1; `nil` where there is to be none.
    func backoff(after error: RPCError, attempt: Int, isIdempotent: Bool) -> Duration? {
        guard attempt < maximumAttempts, error.isRetryable || (isIdempotent && error.isTransient) else { return nil }
        return Self.exponential(initialBackoff, step: attempt - 1, maximum: maximumBackoff)
    }

    /// `initial` doubled `step` times, at most `maximum`, with jitter so that clients do not come back all at once.
    static func exponential(_ initial: Duration, step: Int, maximum: Duration) -> Duration {
        let grown = min(initial * (1 << min(max(step, 0), 20)), maximum)
        return min(grown * Double.random(in: 1...2), maximum)
    }
}
