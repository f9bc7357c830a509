import Logging
import NIOCore
import Synchronization
import Testing

@testable import RPC

@Suite("Connections turned away")
struct TurnedAwayTests {
    @Test("are logged one of a kind a minute, with the number of those between")
    func throttle() {
        var throttle = LogThrottle(period: .minutes(1))
        let start = NIODeadline.uptimeNanoseconds(1_000)
        #expect(throttle.admit(now: start) == 0)
        for second in 1..<60 { #expect(throttle.admit(now: start + .seconds(Int64(second))) == nil) }
        #expect(throttle.admit(now: start + .seconds(60)) == 59)
        #expect(throttle.admit(now: start + .seconds(61)) == nil)
        #expect(throttle.admit(now: start + .seconds(200)) == 1)
        #expect(throttle.admit(now: start + .seconds(400)) == 0)
    }

    @Test("do not hide one kind behind another")
    func kinds() {
        let log = CollectedLog()
        let logger = Logger(label: "rpc.tests") { _ in log }
        let turnedAway = TurnedAway()
        let now = NIODeadline.uptimeNanoseconds(1_000)
        for _ in 1...100 {
            turnedAway.note(.unparseable, detail: "a frame does not begin with PRPC", in: logger, now: now)
            turnedAway.note(.tooMany, in: logger, now: now)
            turnedAway.note(.unauthenticated, detail: "no token", in: logger, now: now)
        }
        turnedAway.note(.unparseable, detail: "later", in: logger, now: now + .minutes(2))
        #expect(
            log.lines == [
                "warning connection closed: unparseable, reason=a frame does not begin with PRPC",
                "warning connection refused: too many",
                "notice connection closed: not authenticated, reason=no token",
                "warning connection closed: unparseable, more_since_the_last_line=99, reason=later",
            ])
    }
}

/// Keeps what is logged above debug.
private final class CollectedLog: LogHandler {
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock { $0 } }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .info }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { ", \($0.key)=\($0.value)" }
        kept.withLock { $0.append("\(event.level) \(event.message)\(values.joined())") }
    }
}
