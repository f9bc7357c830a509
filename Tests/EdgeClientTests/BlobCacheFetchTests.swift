import ECLMCore
import Foundation
import RPC
import Synchronization
import Testing

@testable import EdgeClient

@Suite("Fetching into the cache")
struct BlobCacheFetchTests {
    @Test(
        "A blob arrives whole, under its digest, read-only, and nothing else stays", arguments: [0, 1, 999, 1000, 7777])
    func fetches(count: Int) async throws {
        let fixture = try Fixture()
        let bytes = Fixture.bytes(count)
        let digest = fixture.service.add(bytes)
        let cache = try fixture.cache()
        let moved = Mutex<Int64>(0)
        let result = try await cache.fetch(digest, from: fixture.registry()) { count in moved.withLock { $0 += count } }
        #expect(result == .init(bytes: Int64(count), fetched: Int64(count)))
        #expect(moved.withLock { $0 } == Int64(count))
        #expect(try fixture.contents(cache.path(of: digest)) == bytes)
        #expect(cache.path(of: digest).hasSuffix("/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)"))
        let permissions = try FileManager.default.attributesOfItem(atPath: cache.path(of: digest))[.posixPermissions]
        #expect(permissions as? Int == 0o444)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path + "/partial").isEmpty)
        #expect(try cache.contents().entries == [.init(digest: digest, bytes: Int64(count))])
    }

    @Test("A failure before the last step leaves what can be gone on with")
    func lastStep() async throws {
        let fixture = try Fixture()
        let bytes = Fixture.bytes(2500)
        let digest = fixture.service.add(bytes)
        let cache = try fixture.cache()
        // Where the blob's folder belongs lies a file.
        let obstacle = "\(cache.path)/blobs/sha256/\(digest.hex.prefix(2))"
        try fixture.write([1], to: obstacle)
        await #expect(throws: EdgeError.self) { try await cache.fetch(digest, from: fixture.registry()) }
        let partial = cache.path + "/partial/" + digest.hex
        let permissions = try FileManager.default.attributesOfItem(atPath: partial)[.posixPermissions] as? Int
        #expect((permissions ?? 0) & 0o200 != 0)
        try FileManager.default.removeItem(atPath: obstacle)
        #expect(try await cache.fetch(digest, from: fixture.registry()) == .init(bytes: 2500, fetched: 0))
        #expect(try fixture.contents(cache.path(of: digest)) == bytes)
    }

    @Test("Files that may not be touched do not keep a blob out", arguments: [0o444, 0o000])
    func permissions(mode: Int) async throws {
        let fixture = try Fixture()
        let bytes = Fixture.bytes(2500)
        let digest = fixture.service.add(bytes)
        let cache = try fixture.cache()
        let partial = cache.path + "/partial/" + digest.hex
        try fixture.write(Array(bytes[..<1000]), to: partial)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: partial)
        #expect(try await cache.fetch(digest, from: fixture.registry()).bytes == 2500)
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: cache.path(of: digest))
        #expect(try await cache.fetch(digest, from: fixture.registry()).bytes == 2500)
        #expect(try fixture.contents(cache.path(of: digest)) == bytes)
    }

    @Test("A held blob is not asked for again")
    func held() async throws {
        let fixture = try Fixture()
        let digest = fixture.service.add(Fixture.bytes(2500))
        let cache = try fixture.cache()
        try await cache.fetch(digest, from: fixture.registry())
        let asked = fixture.service.state.withLock { $0.gets.count }
        #expect(try await cache.fetch(digest, from: fixture.registry()).fetched == 0)
        #expect(fixture.service.state.withLock { $0.gets.count } == asked)
    }

    @Test("A fetch goes on where the last one stopped")
    func resumes() async throws {
        let fixture = try Fixture()
        let bytes = Fixture.bytes(9500)
        let digest = fixture.service.add(bytes)
        let cache = try fixture.cache()
        fixture.service.state.withLock { $0.getFaults[5] = RPCError(.permissionDenied, "no more") }
        try await expectEdgeError(.denied) { try await cache.fetch(digest, from: fixture.registry()) }
        let arrived = try #require(try cache.contents().partials.first?.bytes)
        #expect(arrived >= 1000)
        fixture.service.state.withLock { state in
            state.getFaults = [:]
            state.gets = []
        }
        let result = try await cache.fetch(digest, from: fixture.registry())
        #expect(result.fetched == 9500 - arrived)
        #expect(fixture.service.state.withLock { $0.gets.map(\.offset).min() } == arrived)
        #expect(try fixture.contents(cache.path(of: digest)) == bytes)
    }

    @Test("A server that answers less than asked for is asked for the rest")
    func shortAnswers() async throws {
        let fixture = try Fixture()
        let bytes = Fixture.bytes(5000)
        let digest = fixture.service.add(bytes)
        fixture.service.state.withLock { $0.answerBytes = 333 }
        let cache = try fixture.cache()
        try await cache.fetch(digest, expectedBytes: 5000, from: fixture.registry())
        #expect(try fixture.contents(cache.path(of: digest)) == bytes)
    }

    @Test("Lost connections and overload are waited out")
    func transientFaults() async throws {
        let fixture = try Fixture()
        let digest = fixture.service.add(Fixture.bytes(4000))
        fixture.service.state.withLock {
            $0.getFaults = [
                0: RPCError(.overloaded, "busy"), 2: RPCError(.unavailable, "away"), 3: RPCError(.aborted, "again"),
            ]
        }
        #expect(try await fixture.cache().fetch(digest, from: fixture.registry()).bytes == 4000)
    }

    @Test("Bytes of another digest are discarded and said to be damaged")
    func wrongDigest() async throws {
        let fixture = try Fixture()
        let digest = Digest.of(Fixture.bytes(3000))
        fixture.service.add(Fixture.bytes(3000, seed: 2), as: digest)
        let cache = try fixture.cache()
        let error = try await expectEdgeError(.damaged) { try await cache.fetch(digest, from: fixture.registry()) }
        #expect(error.message.contains(digest.description))
        #expect(!cache.holds(digest))
        #expect(try cache.contents().partials.isEmpty)
    }

    @Test("A partial file that was damaged on the disk is fetched anew")
    func damagedPartial() async throws {
        let fixture = try Fixture()
        let bytes = Fixture.bytes(3000)
        let digest = fixture.service.add(bytes)
        let cache = try fixture.cache()
        try fixture.write(Array(repeating: 0, count: 1500), to: cache.partialPath(of: digest))
        let result = try await cache.fetch(digest, from: fixture.registry())
        #expect(result.fetched == 3000)
        #expect(try fixture.contents(cache.path(of: digest)) == bytes)
    }

    @Test("A partial file longer than the blob is fetched anew")
    func overlongPartial() async throws {
        let fixture = try Fixture()
        let digest = fixture.service.add(Fixture.bytes(3000))
        let cache = try fixture.cache()
        try fixture.write(Array(repeating: 0, count: 5000), to: cache.partialPath(of: digest))
        #expect(try await cache.fetch(digest, expectedBytes: 3000, from: fixture.registry()).bytes == 3000)
    }

    @Test("A blob of another size than the composition says is refused")
    func wrongSize() async throws {
        let fixture = try Fixture()
        let digest = fixture.service.add(Fixture.bytes(3000))
        try await expectEdgeError(.damaged) {
            try await fixture.cache().fetch(digest, expectedBytes: 2999, from: fixture.registry())
        }
    }

    @Test("A blob beyond the device's limit is refused before it is fetched")
    func tooLarge() async throws {
        let fixture = try Fixture()
        let digest = fixture.service.add(Fixture.bytes(3000))
        let cache = try fixture.cache(TransferLimits(chunkBytes: 100, blobBytes: 2000))
        try await expectEdgeError(.refused) { try await cache.fetch(digest, from: fixture.registry()) }
        #expect(fixture.service.state.withLock { $0.gets.count } == 1)
    }

    @Test("A held blob that lost or changed bytes is fetched again", arguments: [1500, 3000])
    func damagedEntry(count: Int) async throws {
        let fixture = try Fixture()
        let bytes = Fixture.bytes(3000)
        let digest = fixture.service.add(bytes)
        let cache = try fixture.cache()
        try await cache.fetch(digest, from: fixture.registry())
        try fixture.write(Array(repeating: 7, count: count), to: cache.path(of: digest))
        #expect(try cache.damaged().map(\.digest) == [digest])
        #expect(try await cache.fetch(digest, from: fixture.registry()).fetched == 3000)
        #expect(try fixture.contents(cache.path(of: digest)) == bytes)
        #expect(try cache.damaged().isEmpty)
    }

    @Test("Many that fetch one blob at a time transfer it once")
    func concurrent() async throws {
        let fixture = try Fixture()
        let digest = fixture.service.add(Fixture.bytes(5000))
        fixture.service.state.withLock { $0.delay = .milliseconds(5) }
        let fetched = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    // A cache value of its own, as another process would have.
                    try await fixture.cache().fetch(digest, from: fixture.registry()).fetched
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(fetched.filter { $0 > 0 } == [5000])
        #expect(fixture.service.state.withLock { $0.gets.map(\.length).reduce(0, +) } == 5000)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.directory + "/cache/partial").isEmpty)
    }

    @Test("No more chunks are asked for at once than the limit")
    func bounded() async throws {
        let fixture = try Fixture()
        let digest = fixture.service.add(Fixture.bytes(20_000))
        fixture.service.state.withLock { $0.delay = .milliseconds(5) }
        try await fixture.cache().fetch(digest, from: fixture.registry())
        #expect(fixture.service.state.withLock { $0.gets.count } == 20)
        #expect((2...Fixture.limits.chunksInFlight).contains(fixture.service.state.withLock { $0.mostInFlight }))
    }

    @Test("A blob that does not exist is not found")
    func missing() async throws {
        let fixture = try Fixture()
        try await expectEdgeError(.notFound) {
            try await fixture.cache().fetch(Digest.of([1]), from: fixture.registry())
        }
    }

    @Test("A full disk is said plainly and keeps what has arrived", .enabled(if: Tmpfs.isAvailable))
    func diskFull() async throws {
        let disk = try #require(Tmpfs(bytes: 1 << 20))
        let fixture = try Fixture(directory: disk.path)
        let bytes = Fixture.bytes(600_000)
        let digest = fixture.service.add(bytes)
        let cache = try fixture.cache(TransferLimits(chunkBytes: 50_000, chunksInFlight: 2))
        let filler = disk.path + "/filler"
        fixture.service.state.withLock { state in
            state.onGet = { number in
                if number == 3 { try? Data(count: 640 << 10).write(to: URL(filePath: filler)) }
            }
        }
        let error = try await expectEdgeError(.storageFull) {
            try await cache.fetch(digest, from: fixture.registry())
        }
        #expect(error.message.contains("cache prune"))
        let arrived = try #require(try cache.contents().partials.first?.bytes)
        #expect(arrived > 0)
        try await expectEdgeError(.storageFull) { try await cache.fetch(digest, from: fixture.registry()) }
        fixture.service.state.withLock { $0.onGet = nil }
        try FileManager.default.removeItem(atPath: filler)
        let result = try await cache.fetch(digest, from: fixture.registry())
        #expect(result.fetched < 600_000)
        #expect(try fixture.contents(cache.path(of: digest)) == bytes)
    }

    @Test("A fetch over TCP counts the bytes of the connection")
    func overTCP() async throws {
        let fixture = try Fixture()
        let endpoint = try await fixture.server.start()
        let digest = fixture.service.add(Fixture.bytes(50_000))
        let connection = RPCClient(endpoint: endpoint)
        let registry = RegistryClient(connection)
        try await fixture.cache().fetch(digest, from: registry)
        #expect(registry.traffic.received > 50_000)
        #expect(registry.traffic.sent > 50 * 32)
        connection.close()
        await fixture.server.shutDown()
    }
}
