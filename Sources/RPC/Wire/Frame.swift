import NIOCore

/// One frame cut out of the byte stream: the encoded metadata, and the payload and attachment behind it.
///
/// Both are slices of the bytes read; nothing is copied.
struct Frame: Equatable {
    /// "PRPC" as a big-endian number.
    static let magic: UInt32 = 0x5052_5043
    /// Bytes before the metadata: magic, body size, metadata size.
    static let headerBytes = 12

    var meta: ByteBuffer
    /// Payload, then attachment.
    var body: ByteBuffer

    /// All bytes of the frame, header included.
    var totalBytes: Int { Self.headerBytes + meta.readableBytes + body.readableBytes }

    /// The body parted into payload and attachment; `nil` where `attachmentSize` is negative or exceeds the body.
    func parts(attachmentSize: Int32) -> (payload: ByteBuffer, attachment: ByteBuffer)? {
        guard attachmentSize >= 0, Int(attachmentSize) <= body.readableBytes else { return nil }
        var attachment = body
        guard let payload = attachment.readSlice(length: body.readableBytes - Int(attachmentSize)) else { return nil }
        return (payload, attachment)
    }
}

/// A frame ready to be written: everything up to the attachment in one buffer, and the attachment untouched.
struct EncodedFrame: Sendable {
    /// Header, metadata and payload.
    var head: ByteBuffer
    /// The attachment; may be empty.
    var attachment: ByteBuffer

    var totalBytes: Int { head.readableBytes + attachment.readableBytes }

    /// Encodes a frame, or returns `nil` where its body would exceed `maximumBodyBytes`.
    init?(meta: RPCMeta, payload: ByteBuffer, attachment: ByteBuffer, maximumBodyBytes: Int) {
        let bodyBytes = payload.readableBytes + attachment.readableBytes
        guard bodyBytes <= maximumBodyBytes, attachment.readableBytes <= Int(Int32.max) else { return nil }
        var meta = meta
        meta.attachmentSize = Int32(attachment.readableBytes)
        head = ByteBuffer()
        meta.writeFrameStart(to: &head, bodyBytes: bodyBytes, reserving: payload.readableBytes)
        guard head.readableBytes - Frame.headerBytes + bodyBytes <= maximumBodyBytes else { return nil }
        head.writeImmutableBuffer(payload)
        self.attachment = attachment
    }
}
