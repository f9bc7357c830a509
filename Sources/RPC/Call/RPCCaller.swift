public import NIOCore

/// Something that can call methods: a client over TCP or Unix sockets, or a caller inside the server's process.
public protocol RPCCaller: Sendable {
    /// Calls a method and waits for its answer.
    ///
    /// Cancelling the task gives the call up at once; the server may still carry it out.
    /// - Parameters:
    ///   - service: the service's name.
    ///   - method: the method's name.
    ///   - payload: the encoded protobuf request.
    ///   - attachment: raw bytes to send beside it.
    ///   - timeout: how long to wait; the client's default when `nil`. The server learns it too.
    /// - Throws: ``RPCError`` only.
    func call(
        service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer, timeout: Duration?
    ) async throws -> RPCResponse
}

extension RPCCaller {
    /// Calls a method with the client's default timeout.
    public func call(
        service: String, method: String, payload: ByteBuffer, attachment: ByteBuffer = .init()
    ) async throws -> RPCResponse {
        try await call(service: service, method: method, payload: payload, attachment: attachment, timeout: nil)
    }

    /// Calls a method without an attachment.
    public func call(
        service: String, method: String, payload: ByteBuffer, timeout: Duration?
    ) async throws -> RPCResponse {
        try await call(service: service, method: method, payload: payload, attachment: .init(), timeout: timeout)
    }
}
