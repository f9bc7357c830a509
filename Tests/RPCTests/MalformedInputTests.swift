import Testing

@testable import RPC

@Suite("Malformed input", .timeLimit(.minutes(1)))
struct MalformedInputTests {
    @Test(
        "that is no frame ends the connection",
        arguments: [
            Array("GET / HTTP/1.1\r\n\r\n".utf8),
            Array("PRPC".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1],
            Array("PRPC".utf8) + [0, 0, 0, 1, 0, 0, 0, 2],
            // Metadata that is no protobuf.
            Array("PRPC".utf8) + [0, 0, 0, 2, 0, 0, 0, 2, 0xFF, 0xFF],
            // Request metadata without its required names.
            Array("PRPC".utf8) + [0, 0, 0, 2, 0, 0, 0, 2, 0x0A, 0x00],
        ])
    func unparseable(_ bytes: [UInt8]) async throws {
        try await withServer { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(bytes)
            #expect(await raw.response() == nil)
            #expect(fixture.server.statistics.unparseableConnections == 1)
            try await #expect(fixture.say("others are served") == "others are served")
        }
    }

    @Test("in a whole frame is answered EREQUEST and the connection lives on")
    func badRequests() async throws {
        try await withServer { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(requestBytes("Say", "x", id: 1) { $0.request = nil })
            try await raw.send(requestBytes("Say", "x", id: 2) { $0.compressType = 2 })
            try await raw.send(requestBytes("Say", "x", id: 3) { $0.attachmentSize = 2 })
            try await raw.send(requestBytes("Say", "x", id: 4) { $0.attachmentSize = -1 })
            for id in 1...4 {
                let response = await raw.response()
                #expect(response?.code == 1003)
                #expect(response?.id == Int64(id))
                if id == 2 { #expect(response?.text.contains("gzip and snappy are not supported") == true) }
            }
            try await raw.send(requestBytes("Say", "", id: 5, service: ""))
            #expect(await raw.response()?.code == 1001)
            try await raw.send(requestBytes("Say", "alive", id: 6))
            #expect(await raw.response()?.payload == "alive")
            #expect(fixture.server.statistics.unparseableConnections == 0)
        }
    }

    @Test("arriving one byte at a time, or many frames at a time, is no matter")
    func fragments() async throws {
        try await withServer { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            for byte in requestBytes("Say", "bytewise", id: 1) { try await raw.send([byte]) }
            #expect(await raw.response()?.payload == "bytewise")
            try await raw.send((1...300).flatMap { requestBytes("Say", "\($0)", id: Int64($0)) })
            var ids: Set<Int64> = []
            for _ in 1...300 {
                guard let response = await raw.response() else { break }
                #expect(response.payload == "\(response.id)")
                ids.insert(response.id)
            }
            #expect(ids.count == 300)
        }
    }

    @Test("a correlation id used twice at a time is answered twice")
    func duplicateIDs() async throws {
        try await withServer { fixture in
            let raw = try await RawConnection.open(port: fixture.port)
            try await raw.send(requestBytes("Sleep", "20", id: 7) + requestBytes("Say", "20", id: 7))
            #expect(await raw.response()?.id == 7)
            #expect(await raw.response()?.id == 7)
        }
    }
}
