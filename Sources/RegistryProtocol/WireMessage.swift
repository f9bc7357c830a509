import CProtocol
public import NIOCore
import ProtobufText

/// The namespace of the messages in proto/, so that `Wire.Budget` (on the wire, unchecked) is never taken for
/// `Budget` (ECLMCore's checked value).
public enum Wire {}

/// A protobuf message of the registry's protocol.
public protocol WireMessage: Sendable {
    /// The message with every field at its default.
    init()

    /// A message from its protobuf encoding.
    ///
    /// - Throws: ``WireError`` when the bytes are no such message, or a string in it is not UTF-8 or holds a NUL.
    init(decoding bytes: UnsafeRawBufferPointer) throws(WireError)

    /// The protobuf encoding.
    ///
    /// - Throws: ``WireError`` when a string in it holds a NUL, which would end it on the way.
    func encoded() throws(WireError) -> ByteBuffer
}

extension WireMessage {
    /// A message from the readable bytes of `buffer`.
    ///
    /// - Throws: ``WireError`` when the bytes are no such message, or a string in it is not UTF-8 or holds a NUL.
    public init(decoding buffer: ByteBuffer) throws(WireError) {
        let result = buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(WireError) in try Self(decoding: bytes) }
        }
        self = try result.get()
    }
}

extension CBackedMessage {
    /// Encodes with libprotobuf-c, fields in the order of their numbers.
    public func encoded() throws(WireError) -> ByteBuffer {
        let arena = Arena()
        let c = arena.message(self)
        if let fault = arena.fault { throw WireError(message: Self.wireName, fault: fault) }
        return withExtendedLifetime(arena) {
            let base = UnsafeRawPointer(c).assumingMemoryBound(to: ProtobufCMessage.self)
            let size = protobuf_c_message_get_packed_size(base)
            var buffer = ByteBufferAllocator().buffer(capacity: size)
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
                protobuf_c_message_pack(base, bytes.bindMemory(to: UInt8.self).baseAddress)
            }
            return buffer
        }
    }
}

/// Bytes that are not the message they should be, or a message that cannot be written as it is.
public struct WireError: Error, Sendable, CustomStringConvertible {
    /// The message's full name.
    public var message: String
    /// The field at fault by its path from the message, such as `modules[3].name`, where one is known.
    public var field: String?
    /// What is wrong, in words.
    public var description: String

    init(message: String) {
        self.message = message
        description = "the payload is not a well-formed \(message)"
    }

    init(message: String, fault: TextFault) {
        (self.message, field) = (message, fault.path)
        description = "\(fault.path) in the \(message) \(fault.problem)"
    }
}
