import ECLMCore
import Testing

@Suite("Backoff")
struct BackoffTests {
    private let backoff = Backoff(first: .milliseconds(100), longest: .seconds(1))

    @Test("The pause doubles with each failure up to the longest")
    func doubling() {
        let longest = (1...6).map { backoff.pause(afterFailures: $0, random: 1) }
        #expect(longest == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
    }

    @Test("Chance takes off half of the pause at most")
    func jitter() {
        #expect(backoff.pause(afterFailures: 3, random: 0) == .milliseconds(200))
        #expect(backoff.pause(afterFailures: 3, random: 0.5) == .milliseconds(300))
        for failures in 1...8 {
            let pauses = (0..<50).map { _ in backoff.pause(afterFailures: failures) }
            let longest = backoff.pause(afterFailures: failures, random: 1)
            #expect(pauses.allSatisfy { $0 >= longest / 2 && $0 <= longest })
            #expect(Set(pauses).count > 1)
        }
    }

    @Test("No count, duration or chance is too much")
    func extremes() {
        #expect(backoff.pause(afterFailures: .max, random: 7) == .seconds(1))
        #expect(backoff.pause(afterFailures: .min, random: -7) == .milliseconds(50))
        #expect(backoff.pause(afterFailures: 2, random: .nan) <= .milliseconds(200))
        let huge = Backoff(first: .seconds(Int64.max / 2), longest: .seconds(Int64.max))
        #expect(huge.pause(afterFailures: 100, random: 1) == .seconds(Int64.max))
        let none = Backoff(first: .zero, longest: .seconds(1))
        #expect(none.pause(afterFailures: .max) == .zero)
        #expect(Backoff(first: .seconds(-1), longest: .seconds(1)).pause(afterFailures: 3) == .zero)
        #expect(Backoff(first: .seconds(5), longest: .seconds(1)).pause(afterFailures: 1, random: 1) == .seconds(1))
    }

    @Test("Each name rests by itself, and a success ends its rest")
    func pauses() {
        var pauses = FailurePauses(Backoff(first: .seconds(60), longest: .seconds(600)))
        #expect(pauses.remaining("a") == nil)
        let first = pauses.failed("a")
        let second = pauses.failed("a")
        #expect((.seconds(30) ... .seconds(60)).contains(first))
        #expect((.seconds(60) ... .seconds(120)).contains(second))
        #expect(pauses.remaining("a").map { $0 <= second && $0 > .seconds(50) } == true)
        #expect(pauses.remaining("b") == nil)
        pauses.succeeded("a")
        #expect(pauses.remaining("a") == nil)
        #expect(pauses.failed("a") <= .seconds(60))
    }
}
