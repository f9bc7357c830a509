import ECLMCore
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
        _ status: RPCStatus, isRepeatable: Bool, attempts: Int = 4
    ) async throws -> (status: RPCStatus, calls: Int) {
        let service = Flaky(status: status)
        let server = try RPCServer(services: [service], logger: .silent)
        let connection = InProcessCaller(server: server)
        defer { connection.close() }
        let caller = RetryingCaller(
            connection,
            policy: RPCRetryPolicy(
                maximumAttempts: attempts, backoff: Backoff(first: .milliseconds(1), longest: .seconds(10))))
        do {
            _ = try await caller.call(
                RPCCall(service: "Flaky", method: "Try", isRepeatable: isRepeatable), payload: ByteBuffer())
            return (.ok, service.calls.value)
        } catch let error as RPCError {
            return (error.status, service.calls.value)
        }
    }

    @Test("happen whatever the method where the request was not carried out")
    func safe() async throws {
        try await #expect(outcome(.overloaded, isRepeatable: false) == (.ok, 3))
        try await #expect(outcome(.overloaded, isRepeatable: false, attempts: 2) == (.overloaded, 2))
    }

    @Test("happen for repeatable methods alone where it may have been")
    func repeatable() async throws {
        try await #expect(outcome(.unavailable, isRepeatable: false) == (.unavailable, 1))
        try await #expect(outcome(.unavailable, isRepeatable: true) == (.ok, 3))
        // A method whose caller says nothing is not repeatable.
        #expect(!RPCCall(service: "Flaky", method: "Try").isRepeatable)
    }

    @Test("never happen where the same request would fail again")
    func pointless() async throws {
        try await #expect(outcome(.invalidArgument, isRepeatable: true) == (.invalidArgument, 1))
        try await #expect(outcome(.internalError, isRepeatable: true) == (.internalError, 1))
    }
}
