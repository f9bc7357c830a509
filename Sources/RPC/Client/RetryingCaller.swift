import ECLMCore
public import NIOCore

/// Calls methods, and sends requests again where that is safe and may help: the one layer that does, over any caller.
public struct RetryingCaller: Sendable {
    /// What makes the attempts.
    public let caller: any RPCCaller
    /// When requests are sent again.
    public let policy: RPCRetryPolicy

    /// How long an attempt takes where neither the policy nor the method says.
    private static let defaultAttemptTimeout: Duration = .seconds(30)

    public init(_ caller: any RPCCaller, policy: RPCRetryPolicy = .init()) {
        self.caller = caller
        self.policy = policy
    }

    /// Calls a method and waits for its answer.
    ///
    /// - Parameters:
    ///   - call: The method; whether its requests may be sent again after they may have been carried out.
    ///   - payload: The encoded protobuf request.
    ///   - attachment: Raw bytes to send beside it.
    ///   - wait: How long the server may take on purpose before it answers, on top of the usual time.
    /// - Throws: ``RPCError`` only: that of the last attempt.
    public func call(
        _ call: RPCCall, payload: ByteBuffer, attachment: ByteBuffer = .init(), wait: Duration = .zero
    ) async throws -> RPCResponse {
        let clock = ContinuousClock()
        let deadline = clock.now + policy.deadline + wait
        let attemptTimeout = (policy.attemptTimeout ?? call.deadline ?? Self.defaultAttemptTimeout) + wait
        var attempt = 1
        while true {
            do {
                return try await caller.call(
                    service: call.service, method: call.method, payload: payload, attachment: attachment,
                    timeout: min(attemptTimeout, deadline - clock.now))
            } catch let error as RPCError {
                let pause = policy.backoff.pause(afterFailures: attempt)
                guard attempt < policy.maximumAttempts, policy.allows(error, isRepeatable: call.isRepeatable),
                    clock.now + pause < deadline
                else { throw error }
                do {
                    try await Task.sleep(for: pause)
                } catch {
                    throw RPCError(.cancelled, "the call was given up", cause: error)
                }
                attempt += 1
            } catch let error as CancellationError {
                throw RPCError(.cancelled, "the call was given up", cause: error)
            }
        }
    }
}
