import NIOCore

/// Cuts a byte stream into frames: a pure state machine that does no input or output.
///
/// Bytes go in with ``append(_:)`` in pieces of any size, whole frames come out of ``next()``. Once the stream is found
/// unparseable it stays so: there is no way to find the start of the next frame.
struct FrameDecoder {
    struct Limits: Sendable {
        /// The greatest body size accepted: metadata, payload and attachment together.
        var bodyBytes: Int
        /// The greatest metadata size accepted.
        var metaBytes: Int
    }

    let limits: Limits
    /// Frames cut out so far; tells one unfinished frame from the next.
    private(set) var framesDecoded: UInt64 = 0
    private var buffer = ByteBuffer()
    /// Whether `buffer` alone holds its storage, so that appending to it copies nothing but the new bytes.
    private var ownsStorage = false
    private var failure: FramingError?

    /// From this many bytes on, the whole frame's space is reserved; before it a header alone reserves nothing.
    private static let reservationThreshold = 64 * 1024

    init(limits: Limits) {
        self.limits = limits
    }

    /// Bytes held that no frame has been cut from yet.
    var bufferedBytes: Int { buffer.readableBytes }

    /// The size the unfinished frame will have, if its header has arrived.
    var announcedFrameBytes: Int? {
        guard let body = buffer.getInteger(at: buffer.readerIndex + 4, as: UInt32.self),
            buffer.readableBytes >= Frame.headerBytes
        else { return nil }
        return Frame.headerBytes + Int(body)
    }

    /// Takes the next bytes of the stream.
    mutating func append(_ bytes: ByteBuffer) {
        guard failure == nil, bytes.readableBytes > 0 else { return }
        guard buffer.readableBytes > 0 else {
            buffer = bytes
            ownsStorage = false
            return
        }
        let held = buffer.readableBytes + bytes.readableBytes
        var wanted = held
        if held >= Self.reservationThreshold, let announced = announcedFrameBytes,
            announced <= Frame.headerBytes + limits.bodyBytes
        {
            wanted = max(held, announced)
        }
        if !ownsStorage {
            // The storage is shared with frames already handed out: writing to it would copy all of it.
            var own = ByteBufferAllocator().buffer(capacity: wanted)
            own.writeImmutableBuffer(buffer)
            buffer = own
            ownsStorage = true
        } else {
            buffer.reserveCapacity(minimumWritableBytes: wanted - buffer.readableBytes)
        }
        buffer.writeImmutableBuffer(bytes)
    }

    /// The next whole frame; `nil` when more bytes are needed.
    mutating func next() throws(FramingError) -> Frame? {
        if let failure { throw failure }
        do {
            return try cut()
        } catch {
            failure = error
            buffer = ByteBuffer()
            throw error
        }
    }

    private mutating func cut() throws(FramingError) -> Frame? {
        let start = buffer.readerIndex
        let available = buffer.readableBytes
        guard available >= Frame.headerBytes else {
            try checkMagicPrefix()
            return nil
        }
        guard let magic = buffer.getInteger(at: start, as: UInt32.self), magic == Frame.magic,
            let bodyBytes = buffer.getInteger(at: start + 4, as: UInt32.self).map(Int.init),
            let metaBytes = buffer.getInteger(at: start + 8, as: UInt32.self).map(Int.init)
        else { throw .notThisProtocol }
        guard bodyBytes <= limits.bodyBytes else { throw .bodyTooLarge(bodyBytes, limit: limits.bodyBytes) }
        guard metaBytes <= bodyBytes else { throw .metaExceedsBody(meta: metaBytes, body: bodyBytes) }
        guard metaBytes <= limits.metaBytes else { throw .metaTooLarge(metaBytes, limit: limits.metaBytes) }
        guard available >= Frame.headerBytes + bodyBytes else { return nil }
        buffer.moveReaderIndex(forwardBy: Frame.headerBytes)
        guard let meta = buffer.readSlice(length: metaBytes),
            let body = buffer.readSlice(length: bodyBytes - metaBytes)
        else { return nil }
        framesDecoded += 1
        ownsStorage = false
        // Let go of the read buffer as soon as nothing of it is left to parse.
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        return Frame(meta: meta, body: body)
    }

    /// Refuses another protocol from its first bytes on, without waiting for a whole header.
    private func checkMagicPrefix() throws(FramingError) {
        for (offset, byte) in buffer.readableBytesView.prefix(4).enumerated() {
            guard byte == UInt8(truncatingIfNeeded: Frame.magic >> (24 - 8 * UInt32(offset))) else {
                throw .notThisProtocol
            }
        }
    }
}

/// Why a byte stream cannot be parsed any further. The connection is closed: there is nobody to answer.
enum FramingError: Error, Equatable, CustomStringConvertible {
    case notThisProtocol
    case bodyTooLarge(Int, limit: Int)
    case metaTooLarge(Int, limit: Int)
    case metaExceedsBody(meta: Int, body: Int)
    case malformedMeta

    var description: String {
        switch self {
        case .notThisProtocol: "a frame does not begin with PRPC"
        case .bodyTooLarge(let size, let limit): "a frame's body of \(size) bytes exceeds the limit of \(limit)"
        case .metaTooLarge(let size, let limit): "a frame's metadata of \(size) bytes exceeds the limit of \(limit)"
        case .metaExceedsBody(let meta, let body): "metadata of \(meta) bytes does not fit a body of \(body)"
        case .malformedMeta: "a frame's metadata is no RpcMeta"
        }
    }
}
