import CProtocol
import NIOCore

/// The namespace of the messages in proto/, so that `Wire.Budget` (on the wire, unchecked) is never taken for
/// `Budget` (ECLMCore's checked value).
public enum Wire {}

/// A protobuf message of the registry's protocol.
public protocol WireMessage: Sendable {
    /// The message with every field at its default.
    init()

    /// A message from its protobuf encoding.
    ///
    /// - Throws: ``WireError`` when the bytes are no such message or a string in it is not UTF-8.
    init(decoding bytes: UnsafeRawBufferPointer) throws(WireError)

    /// The protobuf encoding.
    func encoded() -> ByteBuffer
}

extension WireMessage {
    /// A message from the readable bytes of `buffer`.
    ///
    /// - Throws: ``WireError`` when the bytes are no such message or a string in it is not UTF-8.
    public init(decoding buffer: ByteBuffer) throws(WireError) {
        let result = buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(WireError) in try Self(decoding: bytes) }
        }
        self = try result.get()
    }
}

/// Bytes that are not the message they should be.
public struct WireError: Error, Sendable, CustomStringConvertible {
    /// The message's full name.
    public var message: String
    /// The field at fault, of the message or of one inside it, where one is known.
    public var field: String?

    /// What is wrong, in words.
    public var description: String {
        if let field {
            "\(field) in the \(message) is not UTF-8 text"
        } else {
            "the payload is not a well-formed \(message)"
        }
    }
}
