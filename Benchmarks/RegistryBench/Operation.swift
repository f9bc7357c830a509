import NIOCore
import RPC
import RegistryProtocol

/// One call, encoded once: what is measured is the server and the way to it, not this client's encoder.
struct Operation: Sendable {
    let service: String
    let method: String
    let payload: ByteBuffer
    let attachment: ByteBuffer

    init<Request: WireMessage, Response>(
        _ remote: RemoteMethod<Request, Response>, _ request: Request, attachment: ByteBuffer = ByteBuffer()
    ) throws {
        service = remote.service
        method = remote.name
        payload = try request.encoded()
        self.attachment = attachment
    }

    func call(_ client: RPCClient) async throws -> RPCResponse {
        try await client.call(
            service: service, method: method, payload: payload, attachment: attachment, timeout: .seconds(30))
    }
}
