import ECLMCore
import NIOCore
import RPC
import RegistryProtocol
import Synchronization
import Testing

@testable import EdgeClient

@Suite("Sending again")
struct RetryTests {
    @Test("Waits double up to the longest, and spread over their upper half")
    func backoff() {
        let policy = RPCRetryPolicy(backoff: Backoff(first: .milliseconds(100), longest: .seconds(1)))
        let longest = (1...6).map { policy.backoff.pause(afterFailures: $0, random: 1) }
        #expect(
            longest == [
                .milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800), .seconds(1),
                .seconds(1),
            ])
        #expect(policy.backoff.pause(afterFailures: 3, random: 0) == .milliseconds(200))
        #expect(policy.backoff.pause(afterFailures: .max, random: 7) == .seconds(1))
    }

    @Test("What may have been carried out is only sent again where that does no harm")
    func repeatable() {
        let policy = RPCRetryPolicy()
        for status in [RPCStatus.connectionFailed, .overloaded, .overcrowded, .shuttingDown] {
            #expect(policy.allows(RPCError(status, ""), isRepeatable: false))
        }
        for status in [RPCStatus.connectionClosed, .unavailable, .aborted, .timedOut] {
            #expect(policy.allows(RPCError(status, ""), isRepeatable: true))
            #expect(!policy.allows(RPCError(status, ""), isRepeatable: false))
        }
        for status in [RPCStatus.invalidArgument, .notFound, .dataLoss, .unauthenticated, .internalError] {
            #expect(!policy.allows(RPCError(status, ""), isRepeatable: true))
        }
    }

    @Test("A publication whose answer was lost is not sent again: it would move the channel twice")
    func publication() async throws {
        let caller = FailingCaller(.connectionClosed)
        let registry = RegistryClient(caller, retry: Fixture.retry)
        try await expectEdgeError(.unavailable) {
            _ = try await registry.call(ReleaseServiceAPI.publish, Wire.PublishRequest())
        }
        #expect(caller.calls == 1)
    }

    @Test("A submission whose answer was lost is sent again, as often as the policy says")
    func submission() async throws {
        let caller = FailingCaller(.connectionClosed)
        var retry = Fixture.retry
        retry.maximumAttempts = 4
        try await expectEdgeError(.unavailable) {
            _ = try await RegistryClient(caller, retry: retry).call(UpdateServiceAPI.submit, Wire.SubmitRequest())
        }
        #expect(caller.calls == 4)
    }

    @Test("Every method is sent again as its options in proto/ say, and never where they do not let it")
    func contract() async throws {
        func sent<Request, Response>(_ method: RemoteMethod<Request, Response>) async throws -> Int {
            let caller = FailingCaller(.connectionClosed)
            var retry = Fixture.retry
            retry.maximumAttempts = 3
            try await expectEdgeError(.unavailable) {
                _ = try await RegistryClient(caller, retry: retry).call(method, Request())
            }
            return caller.calls
        }
        #expect(try await sent(ReleaseServiceAPI.rollback) == 1)
        #expect(try await sent(ChannelServiceAPI.moveChannel) == 1)
        #expect(try await sent(ModelServiceAPI.getModel) == 3)
        #expect(try await sent(BlobServiceAPI.put) == 3)
        let silent = RemoteMethod<Wire.CheckRequest, Wire.CheckResponse>(service: "eclm.v1.New", name: "Do")
        #expect(try await sent(silent) == 1)
    }

    @Test("An attempt waits as long as the method's options say, unless the policy says otherwise")
    func attemptDeadline() async throws {
        func timeout(_ policy: RPCRetryPolicy, wait: Duration = .zero) async throws -> Duration? {
            let caller = FailingCaller(.invalidArgument)
            try await expectEdgeError(.refused) {
                _ = try await RegistryClient(caller, retry: policy).call(
                    HealthServiceAPI.check, Wire.CheckRequest(), wait: wait)
            }
            return caller.lastTimeout
        }
        #expect(HealthServiceAPI.check.deadline == .seconds(5))
        #expect(try await timeout(RPCRetryPolicy()) == .seconds(5))
        #expect(try await timeout(RPCRetryPolicy(), wait: .seconds(30)) == .seconds(35))
        #expect(try await timeout(RPCRetryPolicy(attemptTimeout: .seconds(9))) == .seconds(9))
        let left = try #require(try await timeout(RPCRetryPolicy(deadline: .seconds(2))))
        #expect(left <= .seconds(2) && left > .seconds(1))
    }

    @Test("The deadline ends the attempts")
    func deadline() async throws {
        let caller = FailingCaller(.overloaded)
        let retry = RPCRetryPolicy(
            deadline: .milliseconds(80), maximumAttempts: 1000,
            backoff: Backoff(first: .milliseconds(20), longest: .milliseconds(20)))
        let begin = ContinuousClock.now
        try await expectEdgeError(.unavailable) {
            _ = try await RegistryClient(caller, retry: retry).call(HealthServiceAPI.check, Wire.CheckRequest())
        }
        #expect((2...9).contains(caller.calls))
        #expect(ContinuousClock.now - begin < .seconds(5))
    }

    @Test("Cancelling ends the waiting")
    func cancelled() async throws {
        let registry = RegistryClient(
            FailingCaller(.overloaded),
            retry: RPCRetryPolicy(backoff: Backoff(first: .seconds(50), longest: .seconds(50))))
        let task = Task { try await registry.call(HealthServiceAPI.check, Wire.CheckRequest()) }
        task.cancel()
        try await expectEdgeError(.cancelled) { _ = try await task.value }
    }

    /// Fails every call before anything is sent.
    private final class FailingCaller: RPCCaller {
        private let seen = Mutex((calls: 0, timeout: Duration?.none))
        private let status: RPCStatus
        var calls: Int { seen.withLock { $0.calls } }
        var lastTimeout: Duration? { seen.withLock { $0.timeout } }

        init(_ status: RPCStatus) { self.status = status }

        func call(
            service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, timeout: Duration?
        ) async throws -> RPCResponse {
            seen.withLock { $0 = ($0.calls + 1, timeout) }
            throw RPCError(status, "as told")
        }
    }
}
