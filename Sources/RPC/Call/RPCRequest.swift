public import NIOCore

/// What a caller sends: a protobuf message and, beside it, raw bytes.
public struct RPCRequest: Sendable {
    /// The encoded protobuf request message; may be empty.
    public var payload: ByteBuffer
    /// Raw bytes that travel beside the message and are never copied through protobuf; may be empty.
    ///
    /// It is a slice of the bytes read from the connection: keep a copy, not the slice, where it outlives the call.
    public var attachment: ByteBuffer

    /// A request of a message and an attachment.
    public init(payload: ByteBuffer, attachment: ByteBuffer = .init()) {
        self.payload = payload
        self.attachment = attachment
    }
}
