import NIOCore
import Testing

@testable import RPC

@Suite("A client connection's machine")
struct ClientConnectionStateMachineTests {
    /// One that is open, with calls 1 to `calls` sent.
    private func open(_ calls: Int64 = 0) -> ClientUnderTest {
        var client = ClientUnderTest()
        _ = client.open()
        for id in 1..<(calls + 1) { client.call(id) }
        _ = client.take()
        return client
    }

    // MARK: Connecting

    @Test("keeps calls in line while it connects, and writes them in their order once it is open")
    func connecting() {
        var client = ClientUnderTest()
        #expect(client.call(1) == .accepted)
        #expect(client.take() == .wait)
        client.call(2)
        client.call(3)
        #expect(client.take() == .wait)
        #expect(client.machine.pendingCalls == 3 && client.machine.unsentBytes == 30)
        #expect(client.open() == .write([1, 2, 3]))
        #expect(client.machine.unsentBytes == 0)
        client.call(4)
        #expect(client.take() == .write([4]))
    }

    @Test("opens with nothing to write where nobody has called")
    func opensUnused() {
        var client = ClientUnderTest()
        #expect(client.open() == .wait)
        #expect(client.machine.phase == .open)
    }

    @Test("writes nothing that nobody waits for any more")
    func abandoned() {
        var client = ClientUnderTest()
        for id in 1...4 { client.call(Int64(id), deadline: Double(id)) }
        _ = client.take()
        #expect(client.expireCalls(at: 1) == ["call 1"])
        #expect(client.machine.giveUp(3) == "call 3")
        #expect(client.open() == .write([2, 4]))
        #expect(client.machine.unsentBytes == 0)
        client.call(5)
        #expect(client.machine.giveUp(5) == "call 5")
        #expect(client.take() == .wait)
        #expect(client.machine.unsentBytes == 0)
    }

    @Test("writes the request that says who calls even where nobody waits for it: later ones depend on it")
    func authentication() {
        var client = ClientUnderTest(authenticates: true)
        #expect(client.machine.needsAuthentication)
        client.call(1)
        #expect(!client.machine.needsAuthentication)
        client.call(2)
        client.call(3)
        _ = client.machine.giveUp(1)
        _ = client.machine.giveUp(2)
        _ = client.take()
        #expect(client.open() == .write([1, 3]))
        #expect(client.answer(1) == .wait)
        #expect(client.answer(3) == .answer("call 3"))
    }

    @Test("says who calls until a request has carried it")
    func authenticationTooLarge() {
        var client = ClientUnderTest(authenticates: true)
        // A request that grew too large for a frame with it goes without.
        client.machine.call(
            OutgoingRequest(id: 1, frame: .sample(bytes: 10), deadline: .seconds(1)), "call 1")
        #expect(client.machine.needsAuthentication)
    }

    // MARK: Limits

    @Test("accepts calls until more bytes wait than may, whether it is open or not")
    func overcrowded() {
        var client = ClientUnderTest(maximumUnsentBytes: 100)
        #expect(client.call(1, bytes: 100) == .accepted)
        #expect(client.call(2, bytes: 1) == .accepted)
        #expect(client.call(3, bytes: 1) == .overcrowded)
        #expect(client.machine.pendingCalls == 2)
        _ = client.take()
        #expect(client.machine.admission == .overcrowded)
        #expect(client.open() == .write([1, 2]))
        #expect(client.machine.admission == .accepted)
        client.call(4, bytes: 200)
        #expect(client.machine.admission == .overcrowded)
        _ = client.take()
        #expect(client.machine.admission == .accepted)
    }

    // MARK: Answers

    @Test("matches answers with calls in whatever order they come, each once")
    func answers() {
        var client = open(3)
        #expect(client.answer(3) == .answer("call 3"))
        #expect(client.answer(1, .notFound) == .answer("call 1"))
        #expect(client.answer(3) == .wait)
        #expect(client.answer(2) == .answer("call 2"))
        #expect(client.machine.pendingCalls == 0)
    }

    @Test("ignores answers that nobody waits for: to no call, to one given up, to one overdue")
    func ignored() {
        var client = open(2)
        #expect(client.answer(99) == .wait)
        #expect(client.machine.giveUp(1) == "call 1")
        #expect(client.machine.giveUp(1) == nil)
        #expect(client.answer(1) == .wait)
        #expect(client.expireCalls(at: 30) == ["call 2"])
        #expect(client.answer(2) == .wait)
        #expect(client.machine.phase == .open)
    }

    @Test("takes no more calls once the server is shutting down, and closes when the last is answered")
    func retired() {
        var client = open(3)
        #expect(client.answer(2, .shuttingDown) == .retire("call 2"))
        #expect(client.call(4) == .stale)
        #expect(client.burstEnded() == .wait)
        #expect(client.answer(99, .shuttingDown) == .retire(nil))
        #expect(client.answer(1) == .answer("call 1"))
        #expect(client.answer(3) == .answer("call 3"))
        #expect(client.burstEnded() == .close)
        #expect(client.closed() == .finish(.served))
        #expect(client.end() == [])
    }

    @Test("ends every call as not welcome where the first answer says so")
    func unauthenticated() {
        var client = open(2)
        #expect(client.answer(1, .unauthenticated) == .answer("call 1"))
        #expect(client.closed() == .finish(.failed(.unauthenticated, "refused")))
        #expect(client.end() == [.init(waiter: "call 2", status: .unauthenticated, message: "refused")])
    }

    @Test("takes that answer as one call's alone where another came before or comes after")
    func unauthenticatedCall() {
        var later = open(3)
        _ = later.answer(1)
        _ = later.answer(2, .unauthenticated)
        #expect(later.closed() == .finish(.served))
        #expect(later.end().map(\.status) == [.connectionClosed])
        var earlier = open(3)
        _ = earlier.answer(1, .unauthenticated)
        _ = earlier.answer(2)
        #expect(earlier.closed() == .finish(.served))
        #expect(earlier.end().map(\.status) == [.connectionClosed])
    }

    // MARK: The clock

    @Test("gives overdue calls up on their nanosecond, whether they wait in line or for an answer")
    func overdue() {
        var client = ClientUnderTest()
        client.call(1, deadline: 1)
        client.call(2, deadline: 2)
        _ = client.take()
        #expect(client.expireCalls(at: 1 - instant) == [])
        #expect(client.expireCalls(at: 1) == ["call 1"])
        #expect(client.open() == .write([2]))
        #expect(client.expireCalls(at: 1.5) == [])
        #expect(client.expireCalls(at: 2) == ["call 2"])
        #expect(client.machine.pendingCalls == 0)
    }

    @Test("wakes for the earliest call, or for the end of its patience with an unused connection")
    func wakeUp() {
        var client = ClientUnderTest(idleTimeout: .seconds(60))
        #expect(client.check(at: 0) == .wakeUp(60))
        client.call(1, deadline: 50)
        client.call(2, deadline: 20)
        #expect(client.check(at: 0) == .wakeUp(20))
        _ = client.expireCalls(at: 20)
        #expect(client.check(at: 20) == .wakeUp(50))
        _ = client.expireCalls(at: 50)
        #expect(client.check(at: 50) == .wakeUp(60))
    }

    @Test("closes where it was unused as long as it may be, to the nanosecond")
    func idle() {
        var client = ClientUnderTest(idleTimeout: .seconds(60))
        client.time = 5
        _ = client.open()
        client.call(1)
        _ = client.take()
        client.time = 6
        _ = client.answer(1)
        #expect(client.burstEnded() == .wait)
        #expect(client.check(at: 66 - instant) == .wakeUp(66))
        #expect(client.check(at: 66) == .retireAndClose)
        #expect(client.call(2) == .stale)
        #expect(client.close() == .close)
        #expect(client.closed() == .finish(.served))
    }

    @Test("does not call itself unused while a call is pending; it looks again a period on")
    func busy() {
        var client = ClientUnderTest(idleTimeout: .seconds(60))
        _ = client.open()
        client.call(1, deadline: 1000)
        _ = client.take()
        #expect(client.check(at: 60) == .wakeUp(120))
        #expect(client.call(2) == .accepted)
    }

    @Test("closes an unused connection that never came about")
    func idleWhileConnecting() {
        var client = ClientUnderTest(idleTimeout: .seconds(60))
        #expect(client.check(at: 60) == .retireAndClose)
        #expect(client.close() == .finish(.served))
        #expect(client.end() == [])
        #expect(client.open() == .close)
    }

    @Test("closes when the last call of a connection that takes no more is overdue")
    func spent() {
        var client = open(2)
        _ = client.answer(1, .shuttingDown)
        #expect(client.expireCalls(at: 30) == ["call 2"])
        #expect(client.check(at: 30) == .close)
    }

    // MARK: Ending

    @Test("ends calls as not sent where that is certain, and as lost on the way where it is not")
    func lost() throws {
        var client = open(1)
        client.call(2)
        #expect(
            client.closed() == .finish(.failed(.connectionFailed, "the connection closed before it answered anything")))
        let failures = client.machine.end().sorted { $0.waiter < $1.waiter }
        let sent = try #require(failures.first?.error)
        #expect(sent.status == .connectionClosed && sent.isTransient && !sent.isRetryable)
        #expect(
            sent.message
                == "the connection closed before the answer; the request may have been carried out")
        let unsent = try #require(failures.last?.error)
        #expect(unsent.status == .connectionFailed && unsent.isRetryable)
        #expect(unsent.message == "the connection closed")
        #expect(failures.count == 2)
    }

    @Test("counts a connection that has answered as one that served")
    func served() {
        var client = open(2)
        _ = client.answer(1, .notFound)
        #expect(client.closed() == .finish(.served))
        #expect(client.end().map(\.status) == [.connectionClosed])
    }

    @Test("ends calls as not sent where no connection could be made, with the reason")
    func failedToOpen() throws {
        var client = ClientUnderTest()
        client.call(1)
        _ = client.take()
        guard case .finish(.failed(.connectionFailed, let message)) = client.failToOpen() else {
            Issue.record("did not finish")
            return
        }
        #expect(message.hasPrefix("cannot connect to db:1: "))
        let failure = try #require(client.machine.end().first)
        #expect(failure.error.message == message && failure.error.isRetryable)
        #expect(failure.error.cause is ChannelError)
        #expect(client.machine.unsentBytes == 0 && client.machine.pendingCalls == 0)
    }

    @Test("takes calls that come between its end and the pool's hearing of it, and ends them with the others")
    func between() {
        var client = open(1)
        _ = client.closed()
        #expect(client.machine.phase == .ending)
        #expect(client.call(2) == .accepted)
        #expect(client.take() == .wait)
        #expect(client.end().map(\.status) == [.connectionClosed, .connectionFailed])
        #expect(client.call(3) == .stale)
        #expect(client.machine.unsentBytes == 0)
    }

    @Test("says why where the server's bytes make no frames")
    func unparseable() {
        var client = open(1)
        #expect(client.unparseable() == .close)
        let reason = "the connection was closed because a frame does not begin with PRPC"
        #expect(client.closed() == .finish(.failed(.connectionFailed, "\(reason) before it answered anything")))
        #expect(
            client.end().map(\.message) == ["\(reason) before the answer; the request may have been carried out"])
    }

    @Test("closes when nobody wants it any more: pending calls fail")
    func close() {
        var client = open(1)
        #expect(client.close() == .close)
        #expect(client.closed() == .finish(.served))
        #expect(
            client.end().map(\.message)
                == ["the client was closed before the answer; the request may have been carried out"])
    }

    @Test("closes while it connects, and closes what is opened after that")
    func closeWhileConnecting() {
        var client = ClientUnderTest()
        client.call(1)
        _ = client.take()
        #expect(client.close() == .finish(.served))
        #expect(client.end() == [.init(waiter: "call 1", status: .connectionFailed, message: "the client was closed")])
        #expect(client.open() == .close)
        #expect(client.failToOpen() == .wait)
    }

    @Test("does nothing once it has ended", arguments: ["closed", "failed to open", "close"])
    func afterTheEnd(_ way: String) {
        var client = way == "closed" ? open(1) : ClientUnderTest()
        switch way {
        case "closed": _ = client.closed()
        case "failed to open": _ = client.failToOpen()
        default: _ = client.close()
        }
        _ = client.end()
        #expect(client.closed() == .wait)
        #expect(client.close() == .wait)
        #expect(client.failToOpen() == .wait)
        #expect(client.unparseable() == .wait)
        #expect(client.answer(1) == .wait)
        #expect(client.burstEnded() == .wait)
        #expect(client.check(at: 10_000) == .wait)
        #expect(client.expireCalls(at: 10_000) == [])
        #expect(client.machine.giveUp(1) == nil)
        #expect(client.take() == .wait)
        #expect(client.end() == [])
    }
}
