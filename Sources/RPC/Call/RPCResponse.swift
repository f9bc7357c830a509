public import NIOCore

/// What a method answers: a protobuf message and, beside it, raw bytes.
public struct RPCResponse: Sendable {
    /// The encoded protobuf response message; may be empty.
    public var payload: ByteBuffer
    /// Raw bytes beside the message, written to the connection as they are; may be empty.
    public var attachment: ByteBuffer

    /// A response of a message and an attachment.
    public init(payload: ByteBuffer, attachment: ByteBuffer = .init()) {
        self.payload = payload
        self.attachment = attachment
    }
}
