import NIOCore
import Testing

@testable import RPC

@Suite("Whatever happens to a client connection")
struct ClientConnectionRandomWalkTests {
    private struct Walk {
        static let maximumUnsentBytes = 100

        var random: RandomNumbers
        var client: ClientUnderTest
        var nextID: Int64 = 0
        /// How often each accepted call ended, in whatever way.
        var endings: [String: Int] = [:]
        var written: Set<Int64> = []

        init(seed: UInt64) {
            random = RandomNumbers(seed: seed)
            client = ClientUnderTest(
                maximumUnsentBytes: Self.maximumUnsentBytes, idleTimeout: .seconds(40),
                authenticates: random.next() % 2 == 0)
        }

        mutating func step() {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<35: call()
            case 35..<55: note(client.take())
            case 55..<75: answer()
            case 75..<80: end(client.machine.giveUp(Int64.random(in: 0...nextID, using: &random)))
            case 80..<88: clock()
            case 88..<94: if client.machine.phase == .connecting { note(client.open()) }
            case 94..<98: if client.machine.phase == .open { note(client.burstEnded()) }
            case 98: if client.machine.phase == .connecting, rarely() { note(client.failToOpen()) }
            default: if rarely() { note(client.close()) }
            }
            check()
        }

        private mutating func rarely() -> Bool { Int.random(in: 0..<10, using: &random) == 0 }

        private mutating func call() {
            nextID += 1
            let deadline = client.time + Double.random(in: 0..<30, using: &random)
            let wasCrowded = client.machine.unsentBytes > Self.maximumUnsentBytes
            let admission = client.call(nextID, deadline: deadline, bytes: Int.random(in: 1..<60, using: &random))
            #expect((admission == .overcrowded) == wasCrowded)
            if admission == .accepted { endings["call \(nextID)"] = 0 }
        }

        private mutating func answer() {
            guard client.machine.phase == .open else { return }
            let statuses: [RPCStatus] = [.ok, .ok, .ok, .notFound, .unauthenticated]
            let status = rarely() && rarely() ? .shuttingDown : statuses.randomElement(using: &random) ?? .ok
            note(client.answer(written.sorted().randomElement(using: &random) ?? 0, status))
        }

        private mutating func clock() {
            let time = client.time + Double.random(in: 0..<10, using: &random)
            for waiter in client.expireCalls(at: time) { end(waiter) }
            let step = client.check(at: time)
            if case .wakeUp(let next) = step { #expect(next > time) }
            note(step)
        }

        private mutating func note(_ step: ClientUnderTest.Step) {
            switch step {
            case .write(let ids):
                #expect(client.machine.phase == .open)
                for id in ids { #expect(written.insert(id).inserted) }
            case .answer(let waiter): end(waiter)
            case .retire(let waiter):
                end(waiter)
                #expect(client.machine.admission != .accepted)
            case .close: note(client.closed())
            case .retireAndClose: note(client.close())
            case .finish:
                #expect(client.machine.phase == .ending)
                for lost in client.end() { end(lost.waiter) }
            case .wait, .wakeUp: break
            }
        }

        private mutating func end(_ waiter: String?) {
            if let waiter { endings[waiter, default: 0] += 1 }
        }

        private func check() {
            #expect(endings.values.allSatisfy { $0 <= 1 })
            #expect(client.machine.pendingCalls == endings.values.count { $0 == 0 })
            #expect(client.machine.unsentBytes >= 0)
        }

        /// Loses the connection, if it still is.
        mutating func finish() {
            note(client.closed())
            check()
            #expect(endings.values.allSatisfy { $0 == 1 })
        }
    }

    @Test("every call ends exactly once, and the accounts come out even", arguments: 0..<60)
    func walk(_ seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<400 { walk.step() }
        walk.finish()
        #expect(walk.client.machine.phase == .ended)
        #expect(walk.client.machine.pendingCalls == 0 && walk.client.machine.unsentBytes == 0)
    }
}
