import ECLMCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("Blobs over the wire")
struct BlobTests {
    static let mebibyte = 1 << 20

    private func begin(_ server: TestServer, _ digest: [UInt8], size: Int) async throws -> Wire.BeginPutResponse {
        try await server.call(BlobServiceAPI.beginPut) {
            $0.digest = digest
            $0.size = Int64(size)
        }
    }

    private func put(
        _ server: TestServer, _ upload: String, _ offset: Int, _ bytes: some Collection<UInt8>
    ) async throws -> Wire.PutResponse {
        try await server.exchange(BlobServiceAPI.put, attachment: Array(bytes)) {
            $0.uploadId = upload
            $0.offset = Int64(offset)
        }.message
    }

    private func get(_ server: TestServer, _ digest: [UInt8], _ offset: Int = 0, _ length: Int = 0) async throws -> (
        message: Wire.GetBlobResponse, attachment: [UInt8]
    ) {
        try await server.exchange(BlobServiceAPI.get) {
            $0.digest = digest
            $0.offset = Int64(offset)
            $0.length = Int64(length)
        }
    }

    @Test("are put by parts and got by ranges", arguments: Transport.allCases)
    func putAndGet(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let bytes = testBytes(9 * Self.mebibyte + 77)
            let digest = try await server.put(bytes).bytes
            let info = try await server.call(BlobServiceAPI.stat) { $0.digests = [digest, Digest.of([1]).bytes] }.blobs
            #expect(info.map(\.digest) == [digest])
            #expect(info.map(\.size) == [Int64(bytes.count)])
            // An answer ends with its segment; the next one begins there.
            var got: [UInt8] = []
            while got.count < bytes.count {
                let part = try await get(server, digest, got.count)
                #expect(part.message.offset == Int64(got.count))
                #expect(part.message.size == Int64(bytes.count))
                try #require(!part.attachment.isEmpty)
                got += part.attachment
            }
            #expect(got == bytes)
            let middle = try await get(server, digest, 5 * Self.mebibyte + 3, 1000)
            #expect(middle.attachment == Array(bytes[(5 * Self.mebibyte + 3)...].prefix(1000)))
            #expect(try await get(server, digest, bytes.count - 5, 1000).attachment == bytes.suffix(5))
            #expect(try await get(server, digest, bytes.count, 10).attachment.isEmpty)
            #expect(try await begin(server, digest, size: bytes.count).exists)
        }
    }

    @Test("go on where a dropped connection left off", arguments: Transport.allCases)
    func resume(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let bytes = testBytes(3 * Self.mebibyte + 5)
            let digest = Digest.of(bytes).bytes
            let begun = try await begin(server, digest, size: bytes.count)
            #expect(begun.partMultiple == Int64(Self.mebibyte))
            #expect(try await put(server, begun.uploadId, 0, bytes[..<(2 * Self.mebibyte)]).received == 2 << 20)
            if let client = server.caller as? RPCClient { client.close() }
            if let client = server.caller as? InProcessCaller { client.close() }
            await refused(.connectionFailed) { try await begin(server, digest, size: bytes.count) }

            let again = server.with()
            #expect(try await again.call(BlobServiceAPI.stat) { $0.digests = [digest] }.blobs.isEmpty)
            let resumed = try await begin(again, digest, size: bytes.count)
            #expect(resumed.uploadId == begun.uploadId)
            #expect(resumed.offset == 2 << 20)
            // A part whose answer was lost is sent again without harm.
            #expect(try await put(again, resumed.uploadId, 0, bytes[..<Self.mebibyte]).received == 2 << 20)
            let last = try await put(again, resumed.uploadId, 2 << 20, bytes[(2 << 20)...])
            #expect(last.complete)
            #expect(try await get(again, digest, 0, bytes.count).attachment == bytes)
        }
    }

    @Test("with other bytes than announced are refused and discarded", arguments: Transport.allCases)
    func wrongDigest(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let bytes = testBytes(1000)
            let digest = Digest.of(testBytes(1000, seed: 2))
            let begun = try await begin(server, digest.bytes, size: 1000)
            await refused(.invalidArgument, "\(Digest.of(bytes))", "\(digest)") {
                try await put(server, begun.uploadId, 0, bytes)
            }
            #expect(try await server.call(BlobServiceAPI.stat) { $0.digests = [digest.bytes] }.blobs.isEmpty)
            #expect(try await server.count("SELECT count(*) FROM eclm.blob_uploads") == 0)
            await refused(.notFound, "no blob") { try await get(server, digest.bytes) }
            #expect(try await server.put(testBytes(1000, seed: 2)) == digest)
        }
    }

    @Test("are refused at a wrong offset or size, and go on at the right one", arguments: Transport.allCases)
    func wrongOffsets(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let bytes = testBytes(2 * Self.mebibyte)
            let digest = Digest.of(bytes).bytes
            await refused(.invalidArgument, "at least 1 byte") { try await begin(server, digest, size: 0) }
            await refused(.invalidArgument, "at least 1 byte") { try await begin(server, digest, size: -1) }
            await refused(.invalidArgument, "at most") { try await begin(server, digest, size: .max) }
            await refused(.invalidArgument, "31 bytes") { try await begin(server, Array(digest.dropLast()), size: 5) }
            let begun = try await begin(server, digest, size: bytes.count)
            await refused(.failedPrecondition, "go on at offset 0") {
                try await put(server, begun.uploadId, Self.mebibyte, bytes[Self.mebibyte...])
            }
            await refused(.invalidArgument, "multiple of 1048576") {
                try await put(server, begun.uploadId, 0, bytes[..<100])
            }
            await refused(.invalidArgument, "does not fit") {
                try await put(server, begun.uploadId, 0, bytes + [0])
            }
            await refused(.invalidArgument, "does not fit") { try await put(server, begun.uploadId, -1, [1]) }
            await refused(.invalidArgument, "does not fit") { try await put(server, begun.uploadId, 0, []) }
            await refused(.invalidArgument, "no upload's id") { try await put(server, "upload", 0, bytes) }
            await refused(.notFound, "begin again") {
                try await put(server, "00000000-0000-0000-0000-000000000000", 0, bytes)
            }
            #expect(try await put(server, begun.uploadId, 0, bytes).complete)
        }
    }

    @Test("are got within their bounds alone", arguments: Transport.allCases)
    func badRanges(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let digest = try await server.put(testBytes(100)).bytes
            await refused(.outOfRange, "which has 100") { try await get(server, digest, 101) }
            await refused(.outOfRange, "which has 100") { try await get(server, digest, -1) }
            await refused(.outOfRange) { try await get(server, digest, 0, -1) }
            await refused(.invalidArgument, "0 bytes") { try await get(server, []) }
            await refused(.notFound, "no blob \(Digest.of([9]))") { try await get(server, Digest.of([9]).bytes) }
            #expect(try await get(server, digest, 0, .max).attachment.count == 100)
            #expect(await server.answers())
        }
    }

    @Test("are asked for by a bounded number of digests")
    func manyDigests() async throws {
        var limits = RegistryServiceLimits()
        limits.maximumDigests = 10
        try await withServer(limits: limits) { server in
            await refused(.invalidArgument, "at most 10 digests, not 11") {
                try await server.call(BlobServiceAPI.stat) { $0.digests = (0..<11).map { Digest.of([$0]).bytes } }
            }
            await refused(.invalidArgument, "33 bytes") {
                try await server.call(BlobServiceAPI.stat) { $0.digests = [Array(repeating: 0, count: 33)] }
            }
        }
    }

    @Test("stay right when a small cache drops them and many ask at once")
    func smallCache() async throws {
        var limits = RegistryServiceLimits()
        limits.blobCacheBytes = 3000
        try await withServer(limits: limits) { server in
            var blobs: [(digest: [UInt8], bytes: [UInt8])] = []
            for index in 0..<8 {
                let bytes = testBytes(1000 + index, seed: UInt64(index + 1))
                blobs.append((try await server.put(bytes).bytes, bytes))
            }
            try await withThrowingTaskGroup(of: Bool.self) { [blobs] group in
                for turn in 0..<200 {
                    group.addTask {
                        let blob = blobs[turn * 7 % blobs.count]
                        return try await get(server, blob.digest).attachment == blob.bytes
                    }
                }
                for try await same in group { #expect(same) }
            }
        }
    }

    @Test("never disturb answers about models while a server's connections break", arguments: Transport.allCases)
    func lostSessions(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            let bytes = testBytes(2 * Self.mebibyte)
            let begun = try await begin(server, Digest.of(bytes).bytes, size: bytes.count)
            _ = try await put(server, begun.uploadId, 0, bytes[..<Self.mebibyte])
            try await server.terminateSessions()
            #expect(try await eventually { await server.answers() })
            let resumed = try await begin(server, Digest.of(bytes).bytes, size: bytes.count)
            #expect(resumed.offset == Int64(Self.mebibyte))
            #expect(try await put(server, resumed.uploadId, Self.mebibyte, bytes[Self.mebibyte...]).complete)
        }
    }
}
