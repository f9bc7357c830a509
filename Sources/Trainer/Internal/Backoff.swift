/// Growing, random pauses after failures, for each model of its own.
package struct Backoff {
    package init() {}

    private static let first = Duration.milliseconds(200)
    private static let longest = Duration.seconds(30)

    private var failures: [String: (count: Int, until: ContinuousClock.Instant)] = [:]

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
        let count = min((failures[name]?.count ?? 0) + 1, 16)
        let pause = min(Self.first * (1 << (count - 1)), Self.longest) * Double.random(in: 0.5...1)
        failures[name] = (count, .now + pause)
        return pause
    }
}
