/// How long to wait before something that failed is tried again.
///
/// The wait doubles with each failure in a row up to ``longest``, and is drawn at random from its upper half. So clients
/// that lost a server together do not come back together, and yet nobody comes back at once: a draw from the whole wait
/// would let some of them knock without any pause at a server that is down.
public struct Backoff: Hashable, Sendable {
    /// The longest wait after the first failure; not negative.
    public var first: Duration
    /// The longest wait of all.
    public var longest: Duration

    public init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// The wait after so many failures in a row.
    ///
    /// - Parameters:
    ///   - failures: From 1; less counts as 1.
    ///   - random: From 0 (half of the longest wait) to 1 (all of it); by default a random number.
    public func pause(afterFailures failures: Int, random: Double = .random(in: 0...1)) -> Duration {
        var pause = max(min(first, longest), .zero)
        var doublings = max(failures, 1) - 1
        // Compared before doubling, so that no duration overflows; zero stays zero however often it is doubled.
        while doublings > 0, pause > .zero, pause < longest {
            pause = pause > longest / 2 ? longest : pause * 2
            doublings -= 1
        }
        // Taken off, so that all of the wait is exactly that; what is no number counts as 0.
        let share = random > 0 ? min(random, 1) : 0
        return pause - (pause / 2) * (1 - share)
    }
}
