import NIOCore
import Testing

@testable import RPC

@Suite("Text in metadata", .timeLimit(.minutes(1)))
struct MetadataTextTests {
    /// A frame whose metadata has these bytes as its fields 1 (request) or 2 (response), with correlation id 9.
    private static func frame(_ field: UInt8, _ inner: [UInt8]) -> [UInt8] {
        let meta = [field << 3 | 2, UInt8(inner.count)] + inner + [0x20, 9]
        return Array("PRPC".utf8) + [0, 0, 0, UInt8(meta.count), 0, 0, 0, UInt8(meta.count)] + meta
    }

    private static func text(_ field: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [field << 3 | 2, UInt8(bytes.count)] + bytes
    }

    @Test(
        "of a request is refused by name where it holds a NUL or is no UTF-8, and the connection lives on",
        arguments: [
            ("request.service_name", [UInt8]("eclm.Echo\0x".utf8), [UInt8]("Say".utf8), [UInt8]()),
            ("request.method_name", Array("eclm.Echo".utf8), Array("Say\0".utf8), []),
            ("request.request_id", Array("eclm.Echo".utf8), Array("Say".utf8), Array("r\0".utf8)),
            ("request.service_name", [0xFF], Array("Say".utf8), []),
            ("request.method_name", Array("eclm.Echo".utf8), [0xC3], []),
            ("request.request_id", Array("eclm.Echo".utf8), Array("Say".utf8), [0xED, 0xA0, 0x80]),
        ])
    func requests(field: String, service: [UInt8], method: [UInt8], id: [UInt8]) async throws {
        try await withServer { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(Self.frame(1, Self.text(1, service) + Self.text(2, method) + Self.text(7, id)))
            let response = await raw.response()
            #expect(response?.code == 1003)
            #expect(response?.id == 9)
            #expect(response?.text.contains(field) == true, "\(response?.text ?? "")")
            try await raw.send(requestBytes("Say", "alive", id: 6))
            #expect(await raw.response()?.payload == "alive")
            #expect(fixture.server.statistics.unparseableConnections == 0)
        }
    }

    @Test("of a response is said to be unreadable, and its status stays")
    func responses() throws {
        func answer(_ inner: [UInt8]) throws -> Result<RPCResponse, RPCError> {
            var bytes = ByteBuffer(bytes: Self.frame(2, inner))
            bytes.moveReaderIndex(forwardBy: Frame.headerBytes)
            let meta = try #require(RPCMeta(decoding: bytes))
            #expect(meta.correlationID == 9)
            return Frame(meta: bytes, body: ByteBuffer()).response(meta)
        }
        let overloaded: [UInt8] = [0x08, 0xD4, 0x0F]
        for text in [Array("wait\0 no".utf8), [0xFF, 0x61]] {
            guard case .failure(let refused) = try answer(overloaded + Self.text(2, text)) else {
                Issue.record("a refusal was taken for an answer")
                continue
            }
            #expect(refused.status == .overloaded)
            #expect(refused.message.contains("response.error_text"))
            guard case .failure(let odd) = try answer(Self.text(2, text)) else {
                Issue.record("text that is not whole was taken")
                continue
            }
            #expect(odd.status == .badResponse)
            #expect(odd.message.contains("response.error_text"))
        }
    }

    @Test("is not sent shortened")
    func writing() async throws {
        try await withServer { fixture in
            for (service, method) in [("eclm.Echo\0", "Say"), ("eclm.Echo", "Say\0x")] {
                let error = await #expect(throws: RPCError.self) {
                    try await fixture.caller.call(service: service, method: method, payload: ByteBuffer())
                }
                #expect(error?.status == .badRequest)
                #expect(error?.message.contains("NUL") == true)
            }
        }
    }
}
