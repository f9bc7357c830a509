/// What lies idle after failures and for how long: each name has pauses of its own, which grow as ``Backoff`` says.
package struct FailurePauses {
    private let backoff: Backoff
    private var failures: [String: (count: Int, until: ContinuousClock.Instant)] = [:]

    package init(_ backoff: Backoff = Backoff(first: .milliseconds(200), longest: .seconds(30))) {
        self.backoff = backoff
    }

    /// How long to leave `name` alone still; `nil` when it is free.
    package func remaining(_ name: String) -> Duration? {
        guard let failure = failures[name] else { return nil }
        let rest = failure.until - .now
        return rest > .zero ? rest : nil
    }

    package mutating func succeeded(_ name: String) {
        failures[name] = nil
    }

    /// - Returns: How long to leave `name` alone.
    package mutating func failed(_ name: String) -> Duration {
        let count = min(failures[name]?.count ?? 0, .max - 1) + 1
        let pause = backoff.pause(afterFailures: count)
        failures[name] = (count, .now + pause)
        return pause
    }
}
