import NIOCore
import Testing

@testable import RPC

@Suite("The frame decoder")
struct FrameDecoderTests {
    private let limits = FrameDecoder.Limits(bodyBytes: 1024, metaBytes: 256)

    private func decode(_ pieces: [ArraySlice<UInt8>]) throws -> [Frame] {
        var decoder = FrameDecoder(limits: limits)
        var frames: [Frame] = []
        for piece in pieces {
            decoder.append(ByteBuffer(bytes: piece))
            while let frame = try decoder.next() { frames.append(frame) }
        }
        #expect(decoder.bufferedBytes == 0)
        return frames
    }

    @Test("finds the same frames wherever the stream is cut in three")
    func everySplit() throws {
        let stream =
            requestBytes("Say", "hello", id: 1) + requestBytes("Say", "", id: 2) + requestBytes("A", "xyz", id: 3)
        let whole = try decode([stream[...]])
        #expect(whole.count == 3)
        #expect(whole.map { String(buffer: $0.body) } == ["hello", "", "xyz"])
        for first in 0...stream.count {
            for second in first...stream.count {
                try #expect(decode([stream[..<first], stream[first..<second], stream[second...]]) == whole)
            }
        }
    }

    @Test("finds the same frames byte by byte")
    func byteByByte() throws {
        let stream = requestBytes("Say", "hello") + requestBytes("Say", String(repeating: "x", count: 900))
        let frames = try decode(stream.indices.map { stream[$0...$0] })
        try #expect(frames == decode([stream[...]]))
    }

    @Test("frames already handed out stay as they were while more bytes arrive")
    func framesAreStable() throws {
        var decoder = FrameDecoder(limits: limits)
        let second = requestBytes("Say", "second")
        decoder.append(ByteBuffer(bytes: requestBytes("Say", "first") + second[..<5]))
        let first = try #require(try decoder.next())
        for byte in second[5...] { decoder.append(ByteBuffer(bytes: [byte])) }
        let next = try #require(try decoder.next())
        #expect(String(buffer: first.body) == "first")
        #expect(String(buffer: next.body) == "second")
    }

    @Test("waits for more on every truncation")
    func truncated() throws {
        let stream = requestBytes("Say", "hello")
        for length in stream.indices {
            var decoder = FrameDecoder(limits: limits)
            decoder.append(ByteBuffer(bytes: stream[..<length]))
            try #expect(decoder.next() == nil)
            #expect(decoder.bufferedBytes == length)
            #expect(decoder.announcedFrameBytes == (length >= 12 ? stream.count : nil))
        }
    }

    @Test("refuses another protocol at its first wrong byte", arguments: ["G", "PR0", "PRPX", "HTTP/1.1 200 OK"])
    func garbage(_ text: String) {
        var decoder = FrameDecoder(limits: limits)
        decoder.append(ByteBuffer(string: text))
        #expect(throws: FramingError.notThisProtocol) { try decoder.next() }
        decoder.append(ByteBuffer(bytes: requestBytes("Say")))
        #expect(throws: FramingError.notThisProtocol) { try decoder.next() }
    }

    @Test("refuses sizes beyond the limits from the header alone")
    func oversized() {
        func failure(body: UInt32, meta: UInt32) -> FramingError? {
            var decoder = FrameDecoder(limits: limits)
            var header = ByteBuffer(string: "PRPC")
            header.writeInteger(body)
            header.writeInteger(meta)
            decoder.append(header)
            do throws(FramingError) {
                _ = try decoder.next()
                return nil
            } catch {
                return error
            }
        }
        #expect(failure(body: 1024, meta: 256) == nil)
        #expect(failure(body: 1025, meta: 256) == .bodyTooLarge(1025, limit: 1024))
        #expect(failure(body: .max, meta: 0) == .bodyTooLarge(Int(UInt32.max), limit: 1024))
        #expect(failure(body: 1024, meta: 257) == .metaTooLarge(257, limit: 256))
        #expect(failure(body: 10, meta: 11) == .metaExceedsBody(meta: 11, body: 10))
    }

    @Test("parts a body only where the attachment fits")
    func parts() throws {
        let frame = Frame(meta: ByteBuffer(), body: ByteBuffer(string: "payload+attached"))
        let parts = try #require(frame.parts(attachmentSize: 8))
        #expect(String(buffer: parts.payload) == "payload+")
        #expect(String(buffer: parts.attachment) == "attached")
        #expect(frame.parts(attachmentSize: 16)?.payload.readableBytes == 0)
        #expect(frame.parts(attachmentSize: 0)?.attachment.readableBytes == 0)
        #expect(frame.parts(attachmentSize: 17) == nil)
        #expect(frame.parts(attachmentSize: -1) == nil)
    }

    @Test("metadata survives encoding and decoding with every field")
    func metaRoundTrip() throws {
        let request = RPCMeta(
            request: .init(
                service: "a.B", method: "C", logID: -1, traceID: .max, spanID: 3, parentSpanID: 4, requestID: "r-ü",
                timeoutMilliseconds: 50), correlationID: .min, attachmentSize: 9, authenticationData: [0, 255])
        let response = RPCMeta(response: .init(code: 20_005, text: "not there"), correlationID: 5)
        for meta in [request, response] {
            var buffer = ByteBuffer()
            meta.writeFrameStart(to: &buffer, bodyBytes: 0, reserving: 0)
            buffer.moveReaderIndex(forwardBy: 12)
            #expect(RPCMeta(decoding: buffer) == meta)
        }
        #expect(RPCMeta(decoding: ByteBuffer(bytes: [0xFF, 0xFF])) == nil)
    }
}
