import NIOCore
import Testing

@testable import RPC

@Suite("A server connection's machine keeps the clock")
struct ServerConnectionDeadlineTests {
    // MARK: Requests

    @Test(
        "for each request as it asks, within the server's limits",
        arguments: [
            (nil, 30), (0, 30), (-5, 30), (1, 0.001), (2500, 2.5), (300_000, 300), (300_001, 300), (.max, 300),
        ] as [(Int32?, Double)])
    func requested(_ milliseconds: Int32?, _ seconds: Double) {
        var server = ServerUnderTest()
        _ = server.receive(requestBytes("A", timeoutMilliseconds: milliseconds))
        #expect(server.admitted[0].deadline.seconds == seconds)
    }

    @Test("with the method's own default before the server's, and the caller's word before both")
    func methodDefault() {
        let limits = ServerConnectionLimits(RPCServerConfiguration())
        func seconds(_ asked: Int32?, _ methodDefault: Duration?) -> Double {
            limits.deadline(
                timeoutMilliseconds: asked, methodDefault: methodDefault, from: .origin
            ).seconds
        }
        #expect(seconds(nil, .seconds(5)) == 5)
        #expect(seconds(0, .seconds(120)) == 120)
        #expect(seconds(2500, .seconds(5)) == 2.5)
        #expect(seconds(nil, nil) == 30)
        #expect(seconds(nil, .seconds(900)) == 300)
    }

    @Test("and gives an overdue request up once, on its nanosecond")
    func overdue() {
        var server = ServerUnderTest()
        _ = server.receive(requestBytes("A", id: 1, timeoutMilliseconds: 100))
        _ = server.receive(requestBytes("B", id: 2, timeoutMilliseconds: 200))
        #expect(server.expireRequests(at: 0.1 - instant) == [])
        #expect(server.expireRequests(at: 0.1) == [1])
        #expect(server.expireRequests(at: 0.1) == [])
        #expect(server.expireRequests(at: 0.2) == [2])
    }

    @Test("and drops the late answer, but counts its handler until it ends")
    func lateAnswer() {
        var server = ServerUnderTest { $0.maximumInFlightPerConnection = 1 }
        _ = server.receive(requestBytes("A", id: 1, timeoutMilliseconds: 100) + requestBytes("B", id: 2))
        #expect(server.expireRequests(at: 0.1) == [1])
        #expect(server.machine.requestsInFlight == 1 && !server.wantsBytes)
        #expect(server.goOn() == [])
        #expect(server.answer(0) == .wait)
        #expect(server.machine.requestsInFlight == 0 && server.machine.bytesInFlight == 0)
        #expect(server.goOn() == [.start(1, id: 2)])
    }

    @Test("and wakes for the earliest request that nobody answered for")
    func wakeUp() {
        var server = ServerUnderTest { $0.idleTimeout = .seconds(60) }
        _ = server.receive(requestBytes("A", id: 1, timeoutMilliseconds: 2000))
        _ = server.receive(requestBytes("B", id: 2, timeoutMilliseconds: 1000))
        #expect(server.check(at: 0.5) == .wakeUp(1))
        #expect(server.expireRequests(at: 1) == [2])
        #expect(server.check(at: 1) == .wakeUp(2))
        #expect(server.expireRequests(at: 2) == [1])
        #expect(server.check(at: 2) == .wakeUp(60))
    }

    // MARK: Idleness

    @Test("and closes a connection that was idle as long as it may be, to the nanosecond")
    func idle() {
        var server = ServerUnderTest { $0.idleTimeout = .seconds(60) }
        #expect(server.nextDeadline() == 60)
        server.machine.wasActive(now: .seconds(10))
        #expect(server.check(at: 60) == .wakeUp(70))
        #expect(server.check(at: 70 - instant) == .wakeUp(70))
        #expect(server.check(at: 70) == .close(.idle))
        #expect(server.machine.phase == .closing)
        #expect(server.receive(requestBytes("A")) == [])
    }

    @Test("and calls no connection idle that handles a request, even one answered for; it looks again a period on")
    func busy() {
        var server = ServerUnderTest { $0.idleTimeout = .seconds(60) }
        _ = server.receive(requestBytes("A", timeoutMilliseconds: 1000))
        #expect(server.expireRequests(at: 1) == [1])
        #expect(server.check(at: 100) == .wakeUp(160))
        _ = server.answer(0)
        #expect(server.check(at: 160) == .close(.idle))
    }

    @Test("and calls no connection idle whose answers wait to be taken")
    func unsent() {
        var server = ServerUnderTest { $0.idleTimeout = .seconds(1) }
        server.machine.wrote(10)
        server.pendingBytes = 10
        #expect(server.check(at: 1) == .wakeUp(2))
    }

    // MARK: Slow frames

    @Test("and closes on a frame whose header does not come in time; bytes that trickle in do not put it off")
    func slowHeader() {
        var server = ServerUnderTest { $0.frameReadTimeout = .seconds(30) }
        let bytes = requestBytes("A", "hello")
        server.time = 5
        _ = server.receive(Array(bytes[..<1]))
        #expect(server.nextDeadline() == 35)
        for second in 6..<12 {
            server.time = Double(second)
            _ = server.receive([bytes[second - 5]])
            server.machine.wasActive(now: server.now)
            #expect(server.nextDeadline() == 35)
        }
        #expect(server.check(at: 35 - instant) == .wakeUp(35))
        #expect(server.check(at: 35) == .close(.slowFrame))
        #expect(server.machine.phase == .closing)
    }

    @Test("and grants a frame time for the size that its header announces, from its first byte")
    func announced() {
        var server = ServerUnderTest {
            $0.frameReadTimeout = .seconds(10)
            $0.minimumBytesPerSecond = 100
        }
        let bytes = requestBytes("A", String(repeating: "x", count: 1000))
        let granted = Double(bytes.count / 100)
        _ = server.receive(Array(bytes[..<4]))
        #expect(server.nextDeadline() == 10)
        server.time = 3
        _ = server.receive(Array(bytes[4..<20]))
        #expect(server.nextDeadline() == 10 + granted)
        server.time = 9
        _ = server.receive(Array(bytes[20..<30]))
        #expect(server.nextDeadline() == 10 + granted)
        server.time = 10 + granted - instant
        #expect(server.receive(Array(bytes[30...])) == [.start(0, id: 1)])
        #expect(server.check(at: 10 + granted) != .close(.slowFrame))
    }

    @Test("and gives every frame a clock of its own")
    func nextFrame() {
        var server = ServerUnderTest { $0.frameReadTimeout = .seconds(10) }
        let bytes = requestBytes("A")
        _ = server.receive(Array(bytes[..<5]))
        #expect(server.nextDeadline() == 10)
        server.time = 9
        #expect(server.receive(Array(bytes[5...]) + bytes[..<5]).count == 1)
        // The timer that was set for the first one finds it whole.
        #expect(server.check(at: 10) == .wakeUp(20))
        #expect(server.check(at: 20) == .close(.slowFrame))
    }

    @Test("and stops a frame's clock while it declines to read")
    func declined() {
        var server = ServerUnderTest {
            $0.frameReadTimeout = .seconds(10)
            $0.maximumInFlightPerConnection = 1
        }
        let bytes = requestBytes("A")
        _ = server.receive(Array(bytes[..<5]))
        #expect(server.nextDeadline() == 10)
        _ = server.receive(Array(bytes[5...]) + bytes[..<5])
        #expect(server.nextDeadline() == 300)
        #expect(server.check(at: 25) == .wakeUp(30))
        _ = server.answer(0)
        #expect(server.nextDeadline() == 35)
        #expect(server.check(at: 35) == .close(.slowFrame))
    }

    // MARK: Stalled peers

    @Test("and closes on a peer that takes nothing of what waits for it")
    func stalled() {
        var server = ServerUnderTest { $0.writeStallTimeout = .seconds(60) }
        server.machine.wrote(1000)
        server.pendingBytes = 1000
        server.isWritable = false
        #expect(server.nextDeadline() == 60)
        #expect(server.check(at: 60 - instant) == .wakeUp(60))
        #expect(server.check(at: 60) == .close(.stalledPeer))
        #expect(server.machine.phase == .closing)
    }

    @Test("and gives a peer that takes some of it the whole time again")
    func progress() {
        var server = ServerUnderTest { $0.writeStallTimeout = .seconds(60) }
        server.machine.wrote(1000)
        server.pendingBytes = 1000
        server.isWritable = false
        _ = server.nextDeadline()
        server.time = 50
        server.pendingBytes = 999
        #expect(server.nextDeadline() == 110)
        // More that is written is nothing that was taken.
        server.machine.wrote(500)
        server.pendingBytes = 1499
        #expect(server.check(at: 110) == .close(.stalledPeer))
    }

    @Test("and finds at the deadline itself that the peer has taken something")
    func lateProgress() {
        var server = ServerUnderTest { $0.writeStallTimeout = .seconds(60) }
        server.machine.wrote(1000)
        server.pendingBytes = 1000
        server.isWritable = false
        _ = server.nextDeadline()
        server.pendingBytes = 1
        #expect(server.check(at: 60) == .wakeUp(120))
        server.pendingBytes = 0
        server.isWritable = true
        server.machine.wasActive(now: .seconds(100))
        #expect(server.check(at: 120) == .wakeUp(400))
    }

    @Test("and asks for the bytes that wait only where a stall is possible")
    func asksRarely() {
        var server = ServerUnderTest()
        var asked = 0
        func pending() -> Int {
            asked += 1
            return 0
        }
        _ = server.machine.nextDeadline(isWritable: true, pendingBytes: pending(), now: .seconds(1))
        #expect(asked == 0)
        _ = server.machine.nextDeadline(isWritable: false, pendingBytes: pending(), now: .seconds(1))
        #expect(asked == 1)
    }
}
