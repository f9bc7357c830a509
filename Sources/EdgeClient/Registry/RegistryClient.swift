import ECLMCore
internal import NIOCore
public import RPC
internal import RegistryProtocol

/// Calls of the registry's services over any connection, in values that were checked; sent again where that is safe and
/// may help.
///
/// - Models: ``modelNames()``, ``model(_:)``, ``modules(of:source:)``, ``releases(of:)``, ``versions(of:in:)``.
/// - Updates: ``submit(_:)``, ``update(_:)``.
/// - Blobs: ``upload(_:size:chunkBytes:_:)``, ``bytes(of:_:)``.
public struct RegistryClient: Sendable {
    private let caller: RetryingCaller

    /// A client over a connection.
    public init(_ caller: any RPCCaller, retry: RPCRetryPolicy = .init()) {
        self.caller = RetryingCaller(caller, policy: retry)
    }

    /// When requests are sent again.
    public var retry: RPCRetryPolicy { caller.policy }

    /// Bytes on the connection since it was made, frames and metadata included; zero where it does not count them.
    public var traffic: Traffic {
        guard let counters = caller.caller as? any ConnectionCounters else { return Traffic() }
        return Traffic(sent: Int64(counters.bytesSent), received: Int64(counters.bytesReceived))
    }

    /// Calls a method, such as `ModelServiceAPI.listModels`.
    ///
    /// - Parameters:
    ///   - wait: How long the server may take on purpose before it answers, on top of the usual time.
    /// - Throws: ``EdgeError``.
    func call<Request, Response>(
        _ method: RemoteMethod<Request, Response>, _ request: Request, wait: Duration = .zero
    ) async throws -> Response {
        try await exchange(method, request, attachment: ByteBuffer(), wait: wait).message
    }

    /// Calls a method with raw bytes beside the request, and returns those beside the answer.
    ///
    /// - Throws: ``EdgeError``.
    func exchange<Request, Response>(
        _ method: RemoteMethod<Request, Response>, _ request: Request, attachment: ByteBuffer, wait: Duration = .zero
    ) async throws -> (message: Response, attachment: ByteBuffer) {
        let call = RPCCall(
            service: method.service, method: method.name, isRepeatable: method.repeatability.isRepeatable,
            deadline: method.deadline)
        let payload: ByteBuffer
        do {
            payload = try request.encoded()
        } catch {
            throw EdgeError(.refused, "\(method.shortName) was not called: \(error.description)", cause: error)
        }
        do {
            let response = try await caller.call(call, payload: payload, attachment: attachment, wait: wait)
            return (try Response(decoding: response.payload), response.attachment)
        } catch let error as RPCError {
            throw EdgeError(error, calling: method.shortName)
        } catch {
            throw method.notUnderstood(error)
        }
    }

    /// Calls a method and makes a value of the answer.
    ///
    /// - Throws: ``EdgeError``, with `registryFailed` where the answer says what cannot be.
    func value<Request, Response, Value>(
        _ method: RemoteMethod<Request, Response>, _ request: Request, attachment: ByteBuffer = ByteBuffer(),
        _ value: (Response) throws -> Value
    ) async throws -> Value {
        let answer = try await exchange(method, request, attachment: attachment).message
        do {
            return try value(answer)
        } catch {
            throw method.notUnderstood(error)
        }
    }
}

extension RemoteMethod {
    /// Service and method without the package: `UpdateService.Submit`.
    fileprivate var shortName: String { "\(service.split(separator: ".").last ?? "").\(name)" }

    fileprivate func notUnderstood(_ error: any Error) -> EdgeError {
        EdgeError(
            .registryFailed, "\(shortName) answered what this client does not understand: \(error.explanation)",
            cause: error)
    }
}

/// A caller that counts the bytes of its connections.
protocol ConnectionCounters {
    var bytesSent: Int { get }
    var bytesReceived: Int { get }
}

extension RPCClient: ConnectionCounters {}
extension InProcessCaller: ConnectionCounters {}
