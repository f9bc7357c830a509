import NIOCore
import RPC
import Synchronization

/// What a connection does wrong.
final class Faults: Sendable {
    /// A method that fails, and how.
    struct Fault: Sendable {
        /// The method's name, such as `Submit`.
        var method: String
        /// Calls of it that succeed before.
        var after: Int
        /// Whether the server carries the call out and only its answer is lost.
        var losesAnswer: Bool
    }

    private let fault: Fault
    private let calls = Mutex(0)

    init(_ method: String, after: Int = 0, losesAnswer: Bool = false) {
        fault = Fault(method: method, after: after, losesAnswer: losesAnswer)
    }

    /// How a call fails; `nil` when it does not.
    func meets(_ method: String) -> Fault? {
        guard method == fault.method else { return nil }
        return calls.withLock { count in
            count += 1
            return count > fault.after ? fault : nil
        }
    }
}

/// A connection that breaks where it is told to.
struct FaultyCaller: RPCCaller {
    private let inner: RPCClient
    private let faults: Faults

    init(_ inner: RPCClient, _ faults: Faults) {
        self.inner = inner
        self.faults = faults
    }

    func call(
        service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, timeout: Duration?
    ) async throws -> RPCResponse {
        guard let fault = faults.meets(method) else {
            return try await inner.call(
                service: service, method: method, payload: payload, attachment: attachment, timeout: timeout)
        }
        if fault.losesAnswer {
            _ = try await inner.call(
                service: service, method: method, payload: payload, attachment: attachment, timeout: timeout)
        }
        throw RPCError(.connectionClosed, "the connection broke in \(method)")
    }
}
