import NIOCore
import Testing

@testable import RPC

@Suite("Whatever happens to a server connection")
struct ServerConnectionRandomWalkTests {
    /// A walk through random events, with what must hold written down beside the machine.
    private struct Walk {
        static let maximumInFlight = 5
        static let maximumBytes = 600

        var random: RandomNumbers
        var server: ServerUnderTest
        /// Bytes that the peer sends in pieces.
        var stream: ArraySlice<UInt8> = []
        var nextID: Int64 = 0
        /// Frame bytes of the requests whose handlers run.
        var running: [UInt64: Int] = [:]
        var started: Set<UInt64> = []
        /// Answers of every kind, by correlation id; each id is sent once here.
        var answered: [Int64: Int] = [:]

        init(seed: UInt64) {
            random = RandomNumbers(seed: seed)
            server = ServerUnderTest(principal: random.next() % 2 == 0 ? nil : .anonymous) {
                $0.maximumInFlightPerConnection = Self.maximumInFlight
                $0.maximumInFlightBytesPerConnection = Self.maximumBytes
                $0.frameReadTimeout = .seconds(20)
                $0.idleTimeout = .seconds(50)
                $0.writeStallTimeout = .seconds(20)
                $0.defaultDeadline = .seconds(10)
            }
        }

        mutating func step() {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<35: send()
            case 35..<60: endHandler()
            case 60..<70: note(server.verify(verdict()))
            case 70..<80: transport()
            case 80..<97: clock()
            case 97: server.isDraining = true
            case 98 where Int.random(in: 0..<5, using: &random) == 0: server.machine.stopTakingRequests()
            default: server.isDraining = false
            }
            for step in server.goOn() { note(step) }
            check()
        }

        private mutating func send() {
            if stream.isEmpty || Bool.random(using: &random) {
                nextID += 1
                let size = Int.random(in: 0..<300, using: &random)
                let kind = Int.random(in: 0..<40, using: &random)
                let timeout = Int32.random(in: 1...20_000, using: &random)
                stream +=
                    requestBytes(
                        "M", String(repeating: "x", count: size), id: nextID, timeoutMilliseconds: timeout
                    ) { meta in
                        if kind == 0 { meta.compressType = 1 }
                        if kind == 1 { meta.attachmentSize = -1 }
                    }
                if kind == 2 && Int.random(in: 0..<4, using: &random) == 0 { stream += Array("garbage".utf8) }
            }
            let piece = stream.prefix(Int.random(in: 1...400, using: &random))
            stream = stream.dropFirst(piece.count)
            for step in server.receive(Array(piece)) { note(step) }
        }

        private mutating func endHandler() {
            // Where nothing runs, a number that nobody has.
            let number =
                running.keys.sorted().randomElement(using: &random) ?? UInt64.random(in: 0..<50, using: &random)
            note(server.answer(number))
            running[number] = nil
        }

        private mutating func verdict() -> Result<RPCPrincipal, RPCError> {
            Int.random(in: 0..<10, using: &random) == 0
                ? .failure(RPCError(.unauthenticated, "no")) : .success(RPCPrincipal(name: "device"))
        }

        private mutating func transport() {
            server.pendingBytes = max(0, Int.random(in: -100...200, using: &random))
            server.isWritable = server.pendingBytes < 150
        }

        private mutating func clock() {
            server.time += Double.random(in: 0..<6, using: &random)
            for id in server.expireRequests(at: server.time) { answered[id, default: 0] += 1 }
            let step = server.check(at: server.time)
            if case .wakeUp(let time) = step { #expect(time > server.time) }
            note(step)
            if Bool.random(using: &random) { server.machine.wasActive(now: server.now) }
            #expect(server.nextDeadline() > server.time || server.machine.phase != .open)
        }

        private mutating func note(_ step: ServerUnderTest.Step) {
            switch step {
            case .start(let number, let id):
                #expect(started.insert(number).inserted)
                #expect(server.machine.phase != .closed)
                let bytes = server.admitted.first { $0.number == number }?.bytes ?? 0
                running[number] = bytes
                #expect(running.count <= Self.maximumInFlight)
                #expect(running.values.reduce(0, +) - bytes < Self.maximumBytes)
                answered[id] = answered[id] ?? 0
            case .refuse(_, let id), .reject(_, let id): answered[id, default: 0] += 1
            case .send(let name):
                let id = server.admitted.first { "request \($0.number)" == name }?.correlationID ?? -1
                answered[id, default: 0] += 1
            default: break
            }
        }

        private func check() {
            let machine = server.machine
            #expect(machine.requestsInFlight == running.count)
            #expect(machine.bytesInFlight == running.values.reduce(0, +))
            #expect(answered.values.allSatisfy { $0 <= 1 })
            let hasRoom = running.count < Self.maximumInFlight && machine.bytesInFlight < Self.maximumBytes
            if machine.phase != .open || !server.isWritable || !hasRoom { #expect(!server.wantsBytes) }
        }

        /// Lets every handler end, or loses the connection.
        mutating func finish() {
            if Bool.random(using: &random) {
                for number in running.keys.sorted() {
                    note(server.answer(number))
                    running[number] = nil
                }
                #expect(server.admitted.allSatisfy { answered[$0.correlationID] == 1 })
            } else {
                #expect(Set(server.machine.closed()) == Set(running.keys.map { "request \($0)" }))
                running = [:]
                #expect(server.goOn() == [] && !server.wantsBytes)
            }
            check()
        }
    }

    @Test("no request is answered twice, no limit is passed, and the accounts come out even", arguments: 0..<60)
    func walk(_ seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<400 { walk.step() }
        walk.finish()
        #expect(walk.server.machine.requestsInFlight == 0)
        #expect(walk.server.machine.bytesInFlight == 0)
    }
}
