import ECLMCore
import Logging
import NIOCore
import RPC
import ServiceLifecycle
import Testing

@Suite("Shutting down and coming back", .timeLimit(.minutes(1)))
struct LifecycleTests {
    @Test("lets requests in flight finish and refuses new ones", arguments: Carrier.allCases)
    func drain(_ carrier: Carrier) async throws {
        try await withServer(over: carrier) { fixture in
            async let pending = fixture.say("pending", method: "Wait")
            #expect(await eventually { fixture.echo.started.value == 1 })
            let shutdown = Task { await fixture.server.shutDown() }
            var late: RPCError?
            for _ in 0..<200 where late == nil { late = await fixture.failure("late", method: "Say") }
            #expect(late?.status == .shuttingDown)
            #expect(late?.isRetryable == true)
            fixture.echo.gate.open()
            try await #expect(pending == "pending")
            await shutdown.value
            #expect(fixture.server.statistics.connections == 0)
        }
    }

    @Test("gives up on requests that outlast the drain timeout")
    func drainTimeout() async throws {
        try await withServer(configure: { $0.drainTimeout = .milliseconds(50) }) { fixture in
            let call = Task { await fixture.failure("20000", method: "Sleep") }
            #expect(await eventually { fixture.echo.started.value == 1 })
            await fixture.server.shutDown()
            #expect(await call.value?.status == .connectionClosed)
            #expect(await eventually { fixture.echo.cancellations.value == 1 })
        }
    }

    @Test("a client finds a server again that came back on the same port")
    func reconnect() async throws {
        var port = 0
        let first = try RPCServer(services: [EchoService()], logger: .silent)
        if case .tcp(_, let bound) = try await first.start() { port = bound }
        let caller = RPCClient(host: "127.0.0.1", port: port)
        let patient = RetryingCaller(
            caller,
            policy: RPCRetryPolicy(
                maximumAttempts: 20, backoff: Backoff(first: .milliseconds(50), longest: .seconds(10))))
        func say(_ text: String) async throws -> String {
            let call = RPCCall(service: "eclm.Echo", method: "Say", isRepeatable: true)
            return String(buffer: try await patient.call(call, payload: .init(string: text)).payload)
        }
        try await #expect(say("one") == "one")
        await first.shutDown()
        let second = try RPCServer(configuration: .init(port: port), services: [EchoService()], logger: .silent)
        let restart = Task {
            try await Task.sleep(for: .milliseconds(150))
            try await second.start()
        }
        try await #expect(say("two") == "two")
        _ = try await restart.value
        #expect(caller.connectionsOpened == 2)
        await second.shutDown()
    }

    @Test("a client with several endpoints passes over the dead one")
    func failover() async throws {
        try await withServer { fixture in
            let dead = RPCEndpoint.tcp(host: "127.0.0.1", port: 1)
            let live = try #require(fixture.endpoint)
            let caller = RPCClient(endpoints: [dead, live])
            let patient = RetryingCaller(caller)
            for _ in 0..<20 {
                _ = try await patient.call(RPCCall(service: "eclm.Echo", method: "Say"), payload: ByteBuffer())
            }
            #expect(caller.connectionsOpened == 1)
        }
    }

    @Test("a call to nobody fails as never sent")
    func nobody() async throws {
        let caller = RPCClient(host: "127.0.0.1", port: 1, configuration: .init())
        let error = await #expect(throws: RPCError.self) {
            try await caller.call(service: "a", method: "b", payload: ByteBuffer())
        }
        #expect(error?.status == .connectionFailed)
        #expect(error?.isRetryable == true)
    }

    @Test("a service group runs the server and shuts it down gracefully")
    func serviceGroup() async throws {
        let server = try RPCServer(services: [EchoService()], logger: .silent)
        guard case .tcp(_, let port) = try await server.start() else { return }
        let group = ServiceGroup(services: [server], logger: .silent)
        let running = Task { try await group.run() }
        let caller = RPCClient(host: "127.0.0.1", port: port, configuration: .init())
        _ = try await caller.call(service: "eclm.Echo", method: "Say", payload: ByteBuffer())
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(server.statistics.connections == 0)
        await #expect(throws: RPCError.self) {
            try await caller.call(service: "eclm.Echo", method: "Say", payload: ByteBuffer())
        }
    }

    @Test("an address in use is refused with a reason")
    func addressInUse() async throws {
        try await withServer { fixture in
            let other = try RPCServer(configuration: .init(port: fixture.port), services: [], logger: .silent)
            let error = await #expect(throws: RPCError.self) { try await other.start() }
            #expect(error?.status == .unavailable)
        }
    }

    @Test("a client closes connections it no longer uses and opens them again")
    func clientIdle() async throws {
        var client = RPCClientConfiguration()
        client.idleTimeout = .milliseconds(50)
        try await withServer(client: client) { fixture in
            try await #expect(fixture.say("one") == "one")
            #expect(await eventually { fixture.server.statistics.connections == 0 })
            try await #expect(fixture.say("two") == "two")
            #expect(fixture.caller.connectionsOpened == 2)
        }
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "rpc.tests") { _ in SwiftLogNoOpLogHandler() } }
}
