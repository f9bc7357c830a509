import NIOCore
import RPC
import Testing

@Suite("The server's limits", .timeLimit(.minutes(1)))
struct LimitTests {
    @Test("answer ELIMIT at once when too much is in flight", arguments: Carrier.allCases)
    func overload(_ carrier: Carrier) async throws {
        try await withServer(over: carrier, configure: { $0.maximumInFlight = 2 }) { fixture in
            async let first = fixture.say("1", method: "Wait")
            async let second = fixture.say("2", method: "Wait")
            #expect(await eventually { fixture.echo.started.value == 2 })
            let error = await fixture.failure("3", method: "Say")
            #expect(error?.status == .overloaded)
            #expect(error?.isRetryable == true)
            fixture.echo.gate.open()
            try await #expect(first == "1")
            try await #expect(second == "2")
            #expect(await eventually { fixture.server.statistics.inFlight == 0 })
            try await #expect(fixture.say("4") == "4")
            #expect(fixture.server.statistics.overloads == 1)
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("stop reading a connection with enough in flight, and go on later", arguments: Carrier.allCases)
    func perConnection(_ carrier: Carrier) async throws {
        try await withServer(over: carrier, configure: { $0.maximumInFlightPerConnection = 4 }) { fixture in
            try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<100 { group.addTask { try await fixture.say("\(number)", method: "Wait") } }
                #expect(await eventually { fixture.echo.started.value == 4 })
                try await Task.sleep(for: .milliseconds(50))
                #expect(fixture.echo.started.value == 4)
                #expect(fixture.server.statistics.inFlight == 4)
                fixture.echo.gate.open()
                var answers: Set<String> = []
                for try await answer in group { answers.insert(answer) }
                #expect(answers.count == 100)
            }
            #expect(fixture.caller.connectionsOpened == 1)
        }
    }

    @Test("bound the bytes in flight on a connection", arguments: Carrier.allCases)
    func bytesPerConnection(_ carrier: Carrier) async throws {
        try await withServer(over: carrier, configure: { $0.maximumInFlightBytesPerConnection = 100_000 }) { fixture in
            let big = String(repeating: "x", count: 60_000)
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<6 { group.addTask { try await fixture.say(big, method: "Wait") } }
                #expect(await eventually { fixture.echo.started.value == 2 })
                try await Task.sleep(for: .milliseconds(50))
                #expect(fixture.echo.started.value == 2)
                fixture.echo.gate.open()
                for try await answer in group { #expect(answer == big) }
            }
        }
    }

    @Test("count a handler that ignores its deadline until it really ends")
    func stubbornHandler() async throws {
        try await withServer(configure: { $0.maximumInFlight = 1 }) { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(requestBytes("Wait", id: 1, timeoutMilliseconds: 30))
            let response = await raw.response()
            #expect(response?.code == 1008)
            #expect(response?.id == 1)
            try await raw.send(requestBytes("Say", id: 2))
            #expect(await raw.response()?.code == 2004)
            fixture.echo.gate.open()
            #expect(await eventually { fixture.server.statistics.inFlight == 0 })
            try await raw.send(requestBytes("Say", "now", id: 3))
            let last = await raw.response()
            #expect(last?.id == 3)
            #expect(last?.payload == "now")
        }
    }

    @Test("cap the deadline a request asks for, and give one to a request that asks for none")
    func deadlines() async throws {
        try await withServer(configure: {
            $0.maximumDeadline = .milliseconds(80)
            $0.defaultDeadline = .milliseconds(40)
        }) { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(requestBytes("Sleep", "20000", id: 1, timeoutMilliseconds: .max))
            #expect(await raw.response()?.code == 1008)
            try await raw.send(requestBytes("Sleep", "20000", id: 2))
            #expect(await raw.response()?.code == 1008)
            try await raw.send(requestBytes("Sleep", "20000", id: 3, timeoutMilliseconds: -5))
            #expect(await raw.response()?.code == 1008)
            #expect(await eventually { fixture.echo.cancellations.value == 3 })
        }
    }

    @Test("give a request that asks for no deadline the method's own, before the server's")
    func methodDeadline() async throws {
        try await withServer { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(requestBytes("Nap", "20000", id: 1))
            #expect(await raw.response()?.code == 1008)
            #expect(await eventually { fixture.echo.cancellations.value == 1 })
            // What the caller asks for counts before both.
            try await raw.send(requestBytes("Nap", "200", id: 2, timeoutMilliseconds: 20_000))
            #expect(await raw.response()?.code == 0)
        }
    }

    @Test("close a connection whose frame does not arrive in time", arguments: [5, 12, 30])
    func slowFrame(_ sent: Int) async throws {
        try await withServer(configure: {
            $0.frameReadTimeout = .milliseconds(80)
            $0.minimumBytesPerSecond = 1 << 20
        }) { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            let bytes = requestBytes("Say", "hello")
            try await raw.send(requestBytes("Say", "first", id: 9))
            #expect(await raw.response()?.id == 9)
            // Bytes that trickle in do not put the end off.
            let slow = Task { [part = Array(bytes[..<sent])] in part }
            for byte in await slow.value {
                raw.post([byte])
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(await raw.response() == nil)
        }
    }

    @Test("grant a big frame the time a slow link needs")
    func slowLink() async throws {
        try await withServer(configure: {
            $0.frameReadTimeout = .milliseconds(50)
            $0.minimumBytesPerSecond = 20
        }) { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            let bytes = requestBytes("Say", "hello")
            try await raw.send(Array(bytes[..<20]))
            try await Task.sleep(for: .milliseconds(300))
            try await raw.send(Array(bytes[20...]))
            #expect(await raw.response()?.payload == "hello")
        }
    }

    @Test("close an idle connection, and not one that waits for an answer")
    func idle() async throws {
        try await withServer(configure: { $0.idleTimeout = .milliseconds(400) }) { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(requestBytes("Sleep", "900", id: 1))
            #expect(await raw.response()?.id == 1)
            #expect(await raw.response() == nil)
        }
    }

    @Test("stop reading from a peer that takes no answers, and end it at last")
    func stalledPeer() async throws {
        try await withServer(configure: {
            $0.writeStallTimeout = .milliseconds(300)
            $0.maximumInFlightPerConnection = 8
        }) { fixture in
            let raw = try await RawConnection.open(port: fixture.port, reads: false)
            for id in 1...400 { raw.post(requestBytes("Inflate", "1000000", id: Int64(id))) }
            #expect(await eventually { fixture.server.statistics.requests > 0 })
            #expect(await eventually { fixture.server.statistics.connections == 0 })
            #expect(fixture.server.statistics.requests < 100)
        }
    }

    @Test("refuse a connection too many at once, and serve the others")
    func connections() async throws {
        try await withServer(configure: { $0.maximumConnections = 2 }) { fixture in
            let first = try await RawConnection.open(port: fixture.port)
            let second = try await RawConnection.open(port: fixture.port)
            try await first.send(requestBytes("Say", id: 1))
            try await second.send(requestBytes("Say", id: 1))
            #expect(await first.response()?.code == 0)
            #expect(await second.response()?.code == 0)
            let third = try await RawConnection.open(port: fixture.port)
            #expect(await third.response() == nil)
            #expect(fixture.server.statistics.connectionsRefused == 1)
            try await first.close()
            #expect(await eventually { fixture.server.statistics.connections == 1 })
            try await #expect(fixture.say("room again") == "room again")
        }
    }

    @Test("that make no sense are refused when the server is made")
    func nonsense() {
        var configuration = RPCServerConfiguration()
        configuration.maximumInFlight = 0
        #expect(throws: RPCError.self) { try RPCServer(configuration: configuration, services: []) }
        #expect(throws: RPCError.self) { try RPCServer(services: [EchoService(), EchoService()]) }
    }
}
