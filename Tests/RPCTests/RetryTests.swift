import NIOCore
import Testing

@testable import RPC

@Suite("Retries", .timeLimit(.minutes(1)))
struct RetryTests {
    /// Fails with a status until asked often enough.
    private struct Flaky: RPCService {
        let name = "Flaky"
        let status: RPCStatus
        let calls = Count()
        var methods: [RPCMethod] {
            [
                RPCMethod(name: "Try") { [calls, status] request, _ in
                    guard calls.add() > 2 else { throw RPCError(status, "not yet") }
                    return RPCResponse(payload: request.payload)
                }
            ]
        }
    }

    private func outcome(
        _ status: RPCStatus, _ methods: RPCRetryPolicy.IdempotentMethods, attempts: Int = 4
    ) async throws -> (status: RPCStatus, calls: Int) {
        let service = Flaky(status: status)
        let server = try RPCServer(services: [service], logger: .silent)
        var client = RPCClientConfiguration()
        client.retry = RPCRetryPolicy(
            maximumAttempts: attempts, initialBackoff: .milliseconds(1), idempotentMethods: methods)
        let caller = InProcessCaller(server: server, configuration: client)
        defer { caller.close() }
        do {
            _ = try await caller.call(service: "Flaky", method: "Try", payload: ByteBuffer())
            return (.ok, service.calls.value)
        } catch let error as RPCError {
            return (error.status, service.calls.value)
        }
    }

    @Test("happen whatever the method where the request was not carried out")
    func safe() async throws {
        try await #expect(outcome(.overloaded, .none) == (.ok, 3))
        try await #expect(outcome(.overloaded, .none, attempts: 2) == (.overloaded, 2))
    }

    @Test("happen for idempotent methods alone where it may have been")
    func idempotent() async throws {
        try await #expect(outcome(.unavailable, .none) == (.unavailable, 1))
        try await #expect(outcome(.unavailable, .named(["Flaky/Other"])) == (.unavailable, 1))
        try await #expect(outcome(.unavailable, .named(["Flaky/Try"])) == (.ok, 3))
        try await #expect(outcome(.unavailable, .all) == (.ok, 3))
    }

    @Test("never happen where the same request would fail again")
    func pointless() async throws {
        try await #expect(outcome(.invalidArgument, .all) == (.invalidArgument, 1))
        try await #expect(outcome(.internalError, .all) == (.internalError, 1))
    }
}
