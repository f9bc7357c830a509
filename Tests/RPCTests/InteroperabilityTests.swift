import Foundation
import NIOCore
import Testing

@testable import RPC

@Suite("Other implementations", .timeLimit(.minutes(1)))
struct InteroperabilityTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The frames in docs/protocol.md, "Test vector", as hexadecimal digits: request, response, failure.
    private static func vectors() throws -> [String] {
        let page = try String(contentsOf: root.appendingPathComponent("docs/protocol.md"), encoding: .utf8)
        let section = try #require(page.components(separatedBy: "## Test vector").last)
        return section.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.prefix(3).map {
            block in
            block.element.split(separator: "\n").filter { !$0.hasPrefix("text") }
                .map { $0.split(separator: "|")[0].filter(\.isHexDigit) }.joined().lowercased()
        }
    }

    private func hex(_ frame: EncodedFrame?) -> String {
        guard let frame else { return "" }
        let bytes = Array(frame.head.readableBytesView) + Array(frame.attachment.readableBytesView)
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("see exactly the bytes the protocol page shows")
    func vectorsAreEncoded() throws {
        let vectors = try Self.vectors()
        try #require(vectors.count == 3)
        let payload = ByteBuffer(bytes: [0x0A, 5] + Array("hello".utf8))
        let attachment = ByteBuffer(string: "xyz")
        let request = RPCMeta(
            request: .init(service: "eclm.Echo", method: "Say", timeoutMilliseconds: 1000), correlationID: 7)
        let response = RPCMeta(response: .init(), correlationID: 7)
        let failure = RPCMeta(response: .init(code: 1002, text: "no"), correlationID: 7)
        let cases = [(request, payload, attachment), (response, payload, attachment), (failure, .init(), .init())]
        for (vector, (meta, payload, attachment)) in zip(vectors, cases) {
            let frame = EncodedFrame(meta: meta, payload: payload, attachment: attachment, maximumBodyBytes: 1024)
            #expect(hex(frame) == vector)
            let bytes = stride(from: 0, to: vector.count, by: 2).compactMap { offset in
                UInt8(vector.dropFirst(offset).prefix(2), radix: 16)
            }
            var decoder = FrameDecoder(limits: .init(bodyBytes: 1024, metaBytes: 1024))
            decoder.append(ByteBuffer(bytes: bytes))
            let decoded = try #require(try decoder.next())
            var expected = meta
            expected.attachmentSize = Int32(attachment.readableBytes)
            #expect(RPCMeta(decoding: decoded.meta) == expected)
            #expect(decoded.parts(attachmentSize: expected.attachmentSize)?.payload == payload)
            #expect(decoded.parts(attachmentSize: expected.attachmentSize)?.attachment == attachment)
        }
    }

    @Test("call this server: an independent client in Python")
    func python() async throws {
        let vectors = try Self.vectors()
        try await withServer { fixture in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments =
                ["python3", Self.root.appendingPathComponent("Tests/Clients/baidu_std_client.py").path]
                + ["127.0.0.1", "\(fixture.port)", "check"] + vectors.prefix(2)
            let output = Pipe()
            process.standardOutput = output
            process.standardError = output
            let status = try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                do { try process.run() } catch { continuation.resume(throwing: error) }
            }
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            #expect(status == 0, "\(text)")
            #expect(text.contains("passed 11"), "\(text)")
            // One connection for everything that is not garbage, and one for each piece of garbage.
            #expect(fixture.server.statistics.connectionsAccepted == 4)
            #expect(fixture.server.statistics.unparseableConnections == 3)
        }
    }
}
