public import NIOCore
public import RPC
public import RegistryProtocol

/// Typed calls of the registry's services over any connection, sent again where that is safe and may help.
public struct RegistryClient: Sendable {
    private let caller: any RPCCaller
    /// When requests are sent again.
    public let retry: RetryPolicy

    /// A client over a connection. Its own retries are best switched off (`RPCRetryPolicy.never`): one layer is enough.
    public init(_ caller: any RPCCaller, retry: RetryPolicy = .init()) {
        self.caller = caller
        self.retry = retry
    }

    /// Bytes on the connection since it was made, frames and metadata included; zero where it does not count them.
    public var traffic: Traffic {
        guard let counters = caller as? any ConnectionCounters else { return Traffic() }
        return Traffic(sent: Int64(counters.bytesSent), received: Int64(counters.bytesReceived))
    }

    /// Calls a method, such as `ModelServiceAPI.listModels`.
    ///
    /// - Parameters:
    ///   - wait: How long the server may take on purpose before it answers, on top of the usual time.
    /// - Throws: ``EdgeError``.
    public func call<Request, Response>(
        _ method: RemoteMethod<Request, Response>, _ request: Request, wait: Duration = .zero
    ) async throws -> Response {
        try await exchange(method, request, attachment: ByteBuffer(), wait: wait).message
    }

    /// Calls a method with raw bytes beside the request, and returns those beside the answer.
    ///
    /// - Throws: ``EdgeError``.
    public func exchange<Request, Response>(
        _ method: RemoteMethod<Request, Response>, _ request: Request, attachment: ByteBuffer, wait: Duration = .zero
    ) async throws -> (message: Response, attachment: ByteBuffer) {
        let payload = request.encoded()
        let name = "\(method.service.split(separator: ".").last ?? "").\(method.name)"
        let isRepeatable = !Self.unrepeatable.contains(name)
        let clock = ContinuousClock()
        let deadline = clock.now + retry.deadline + wait
        var attempt = 1
        while true {
            let left = deadline - clock.now
            do {
                let response = try await caller.call(
                    service: method.service, method: method.name, payload: payload, attachment: attachment,
                    timeout: min(retry.attemptTimeout + wait, left))
                do {
                    return (try Response(decoding: response.payload), response.attachment)
                } catch {
                    throw EdgeError(
                        .registryFailed, "\(name) answered what this client does not understand: \(error)", cause: error
                    )
                }
            } catch let error as RPCError {
                let pause = retry.backoff(afterAttempt: attempt)
                guard attempt < retry.maximumAttempts, retry.allows(error, isRepeatable: isRepeatable),
                    clock.now + pause < deadline
                else { throw EdgeError(error, calling: name) }
                do {
                    try await Task.sleep(for: pause)
                } catch {
                    throw EdgeError(.cancelled, "\(name) was given up", cause: error)
                }
                attempt += 1
            } catch is CancellationError {
                throw EdgeError(.cancelled, "\(name) was given up")
            }
        }
    }

    /// What would be done twice: these move channels. Registrations carry a token, submissions an idempotency key and
    /// blobs a digest, so that they are safe.
    private static let unrepeatable: Set<String> = [
        "ReleaseService.Publish", "ReleaseService.Rollback",
        "ChannelService.MoveChannel",
    ]
}

/// Bytes that went over a connection.
public struct Traffic: Hashable, Sendable, Codable {
    /// Bytes sent.
    public var sent: Int64
    /// Bytes received.
    public var received: Int64

    public init(sent: Int64 = 0, received: Int64 = 0) {
        self.sent = sent
        self.received = received
    }

    /// Two readings together.
    public static func + (left: Traffic, right: Traffic) -> Traffic {
        Traffic(sent: left.sent + right.sent, received: left.received + right.received)
    }

    /// The traffic since an earlier reading.
    public static func - (later: Traffic, earlier: Traffic) -> Traffic {
        Traffic(sent: later.sent - earlier.sent, received: later.received - earlier.received)
    }
}

/// A caller that counts the bytes of its connections.
protocol ConnectionCounters {
    var bytesSent: Int { get }
    var bytesReceived: Int { get }
}

extension RPCClient: ConnectionCounters {}
extension InProcessCaller: ConnectionCounters {}
