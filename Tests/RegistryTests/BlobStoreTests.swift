import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

/// Where a store under test keeps its bytes.
enum StorageKind: String, CaseIterable, Sendable {
    case postgresql, directory
}

/// Runs `body` with a blob store over a fresh database, and a fresh directory where it takes one.
func withBlobStore<R: Sendable>(
    _ kind: StorageKind, limits: BlobLimits = BlobLimits(), _ body: (BlobStore, TestDatabase) async throws -> R
) async throws -> R {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-blobs-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: root) }
    return try await withDatabase { database in
        let store =
            kind == .directory
            ? BlobStore(pool: database.pool, directory: root, limits: limits)
            : BlobStore(pool: database.pool, limits: limits)
        return try await body(store, database)
    }
}

/// Bytes as a stream of pieces.
struct Pieces: AsyncSequence, Sendable {
    var pieces: [[UInt8]]

    init(_ bytes: [UInt8], of size: Int) {
        pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<Swift.min($0 + size, bytes.count)]) }
    }

    func makeAsyncIterator() -> AsyncStream<[UInt8]>.Iterator {
        AsyncStream { continuation in
            for piece in pieces { continuation.yield(piece) }
            continuation.finish()
        }.makeAsyncIterator()
    }
}

@Suite("Blobs")
struct BlobStoreTests {
    static let mebibyte = 1 << 20

    @Test("A blob comes back by range, across chunk borders, byte for byte", arguments: StorageKind.allCases)
    func ranges(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, _ in
            let bytes = testBytes(3 * Self.mebibyte + 17)
            let digest = Digest.of(bytes)
            try await store.put(bytes, digest: digest)
            #expect(try await store.stat([digest, Digest.of([1])]) == [digest: Int64(bytes.count)])
            let mark = Int64(Self.mebibyte)
            let ranges: [Range<Int64>] = [
                0..<0, 0..<1, 5..<9, mark - 1..<mark, mark - 1..<mark + 1, mark..<2 * mark, mark - 3..<3 * mark + 5,
                3 * mark..<3 * mark + 17, 0..<Int64(bytes.count), Int64(bytes.count)..<Int64(bytes.count),
            ]
            for range in ranges {
                let expected = bytes[Int(range.lowerBound)..<Int(range.upperBound)]
                #expect(try await store.read(digest, range: range)[...] == expected, "\(range)")
            }
            let beyond = await #expect(throws: RegistryError.self) {
                try await store.read(digest, range: 0..<Int64(bytes.count) + 1)
            }
            #expect(beyond?.code == .invalidArgument)
            let missing = await #expect(throws: RegistryError.self) {
                try await store.read(Digest.of([1]), range: 0..<1)
            }
            #expect(missing?.code == .notFound)
            var whole: [UInt8] = []
            for try await chunk in store.chunks(of: digest) { whole += chunk }
            #expect(whole == bytes)
        }
    }

    @Test("An empty blob is a blob", arguments: StorageKind.allCases)
    func empty(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, _ in
            let digest = Digest.of([])
            try await store.put([], digest: digest)
            #expect(try await store.stat([digest]) == [digest: 0])
            #expect(try await store.read(digest, range: 0..<0).isEmpty)
            for try await _ in store.chunks(of: digest) { Issue.record("no chunk was expected") }
        }
    }

    @Test("The same bytes are stored once, whoever brings them", arguments: StorageKind.allCases)
    func deduplication(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let bytes = testBytes(Self.mebibyte + 1)
            let digest = Digest.of(bytes)
            try await store.put(bytes, digest: digest)
            try await store.put(bytes, digest: digest)
            let upload = try await store.beginUpload(digest: digest, size: Int64(bytes.count), uploader: "a")
            #expect(upload.exists)
            let written = try await database.pool.transaction { connection in
                try await store.write(
                    Pieces(bytes, of: 1000), digest: digest, size: Int64(bytes.count), on: connection)
            }
            #expect(!written)
            #expect(try await count("eclm.blobs", database) == 1)
            #expect(try await count("eclm.blob_chunks", database) == (kind == .postgresql ? 2 : 0))
        }
    }

    @Test("Bytes that do not have the digest are refused and leave nothing", arguments: StorageKind.allCases)
    func wrongDigest(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let bytes = testBytes(100)
            let other = Digest.of([1])
            let put = await #expect(throws: RegistryError.self) { try await store.put(bytes, digest: other) }
            #expect(put?.code == .invalidArgument)
            for (announced, digest) in [(100, other), (99, Digest.of(bytes)), (101, Digest.of(bytes))]
                as [(Int64, Digest)]
            {
                let write = await #expect(throws: RegistryError.self) {
                    try await database.pool.registryTransaction { connection in
                        try await store.write(Pieces(bytes, of: 7), digest: digest, size: announced, on: connection)
                    }
                }
                #expect(write?.code == .invalidArgument)
            }
            let (blobs, chunks) = (
                try await count("eclm.blobs", database), try await count("eclm.blob_chunks", database)
            )
            #expect(blobs == 0 && chunks == 0)
        }
    }

    @Test(
        "A blob written in a transaction is visible when it commits, and never when it does not",
        arguments: StorageKind.allCases)
    func transactional(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let bytes = testBytes(2 * Self.mebibyte + 5)
            let digest = Digest.of(bytes)
            await #expect(throws: CancellationError.self) {
                try await database.pool.transaction { connection in
                    try await store.write(
                        Pieces(bytes, of: 333_333), digest: digest, size: Int64(bytes.count), on: connection)
                    throw CancellationError()
                }
            }
            #expect(try await store.stat([digest]).isEmpty)
            try await database.pool.transaction { connection in
                try await store.write(
                    Pieces(bytes, of: 333_333), digest: digest, size: Int64(bytes.count), on: connection)
                #expect(try await store.stat([digest]).isEmpty)
            }
            #expect(try await store.read(digest, range: 0..<Int64(bytes.count)) == bytes)
        }
    }

    @Test("Many writers of the same blob at once all succeed, and it is stored once", arguments: StorageKind.allCases)
    func concurrentWriters(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let blobs = (0..<3).map { testBytes(Self.mebibyte + 10, seed: UInt64($0 + 7)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let order = blobs.sorted { Digest.of($0) < Digest.of($1) }
                        try await database.pool.registryTransaction { connection in
                            for bytes in order {
                                try await store.write(
                                    Pieces(bytes, of: 65_536), digest: Digest.of(bytes), size: Int64(bytes.count),
                                    on: connection)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            for bytes in blobs {
                #expect(try await store.read(Digest.of(bytes), range: 0..<Int64(bytes.count)) == bytes)
            }
            #expect(try await count("eclm.blobs", database) == 3)
            #expect(try await count("eclm.blob_chunks", database) == (kind == .postgresql ? 6 : 0))
        }
    }

    @Test("Two writers of the same blobs in opposite orders both succeed: a deadlock is repeated, not reported")
    func oppositeOrders() async throws {
        try await withBlobStore(.postgresql) { store, database in
            let blobs = (0..<2).map { testBytes(Self.mebibyte, seed: UInt64($0 + 7)) }
            let meeting = Meeting()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for order in [blobs, blobs.reversed()] {
                    group.addTask {
                        try await database.pool.registryTransaction { connection in
                            try await store.write(order[0], digest: Digest.of(order[0]), on: connection)
                            // Both hold their first blob before either asks for its second.
                            await meeting.arrive()
                            try await store.write(order[1], digest: Digest.of(order[1]), on: connection)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await count("eclm.blobs", database) == 2)
            #expect(try await count("eclm.blob_chunks", database) == 2)
        }
    }

    /// Lets two tasks go on once both have arrived, and everybody after that.
    actor Meeting {
        private var arrived = 0
        private var first: CheckedContinuation<Void, Never>?

        func arrive() async {
            arrived += 1
            if arrived == 1 {
                await withCheckedContinuation { first = $0 }
            } else {
                first?.resume()
                first = nil
            }
        }
    }

    @Test("The chunks of a sealed blob cannot be changed, joined or deleted")
    func sealed() async throws {
        try await withBlobStore(.postgresql) { store, database in
            let bytes = testBytes(Self.mebibyte + 1)
            try await store.put(bytes, digest: Digest.of(bytes))
            for statement in [
                "UPDATE eclm.blob_chunks SET data = '\\x00'", "DELETE FROM eclm.blob_chunks WHERE number = 1",
                "INSERT INTO eclm.blob_chunks SELECT storage_id, 2, data FROM eclm.blob_chunks WHERE number = 1",
                "UPDATE eclm.blobs SET size = size - 1", "UPDATE eclm.blobs SET digest = sha256('x')",
            ] {
                let error = await #expect(throws: PostgresError.self) {
                    try await database.pool.query(SQL(raw: statement))
                }
                #expect(error?.sqlState == "EC001", "\(statement)")
            }
        }
    }

    @Test("Lost bytes are reported as lost and never returned as data", arguments: StorageKind.allCases)
    func lostBytes(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let bytes = testBytes(2 * Self.mebibyte)
            let digest = Digest.of(bytes)
            try await store.put(bytes, digest: digest)
            if let directory = store.storage as? DirectoryBlobStorage {
                let file = try #require(
                    FileManager.default.subpaths(atPath: directory.root)?.first { $0.contains(digest.hex) })
                let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.root + "/" + file))
                try handle.truncate(atOffset: UInt64(Self.mebibyte))
            } else {
                try await database.withConnection { connection in
                    try await connection.execute(
                        script: """
                            SET session_replication_role = replica;
                            DELETE FROM eclm.blob_chunks WHERE number = 1;
                            """)
                }
            }
            let read = await #expect(throws: RegistryError.self) {
                try await store.read(digest, range: 10..<Int64(2 * Self.mebibyte))
            }
            #expect(read?.code == .dataLoss)
            let stream = await #expect(throws: RegistryError.self) { for try await _ in store.chunks(of: digest) {} }
            #expect(stream?.code == .dataLoss)
        }
    }

    @Test("Changed bytes end a stream with data loss")
    func changedBytes() async throws {
        try await withBlobStore(.postgresql) { store, database in
            let bytes = testBytes(Self.mebibyte + 3)
            let digest = Digest.of(bytes)
            try await store.put(bytes, digest: digest)
            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET session_replication_role = replica;
                        UPDATE eclm.blob_chunks SET data = set_byte(data, 0, get_byte(data, 0) # 1) WHERE number = 1;
                        """)
            }
            let error = await #expect(throws: RegistryError.self) { for try await _ in store.chunks(of: digest) {} }
            #expect(error?.code == .dataLoss)
        }
    }

    @Test("A store with another storage still reads what lies in PostgreSQL")
    func changedStorage() async throws {
        try await withBlobStore(.directory) { store, database in
            let bytes = testBytes(1000)
            let digest = Digest.of(bytes)
            try await BlobStore(pool: database.pool).put(bytes, digest: digest)
            #expect(try await store.read(digest, range: 0..<1000) == bytes)
            let other = testBytes(1000, seed: 2)
            try await store.put(other, digest: Digest.of(other))
            let error = await #expect(throws: RegistryError.self) {
                try await BlobStore(pool: database.pool).read(Digest.of(other), range: 0..<1)
            }
            #expect(error?.code == .unavailable && error?.message.contains("--blob-directory") == true)
        }
    }

    @Test(
        "Garbage collection takes what nothing refers to, after its grace, and may only be done by the owner",
        arguments: StorageKind.allCases)
    func garbage(kind: StorageKind) async throws {
        try await withBlobStore(kind) { store, database in
            let bytes = testBytes(Self.mebibyte + 3)
            let digest = Digest.of(bytes)
            try await store.put(bytes, digest: digest)
            #expect(try await store.collectGarbage(grace: .seconds(3600)).blobs == 0)
            try await database.withPool(as: .operator) { pool in
                let error = await #expect(throws: RegistryError.self) {
                    try await BlobStore(pool: pool, storage: store.storage).collectGarbage(grace: .zero)
                }
                #expect(error?.code == .permissionDenied)
            }
            // Somebody asks to store it again: its grace starts anew.
            try await database.pool.query("UPDATE eclm.blobs SET wanted_at = wanted_at - interval '2 hours'")
            #expect(try await store.beginUpload(digest: digest, size: Int64(bytes.count), uploader: "a").exists)
            #expect(try await store.collectGarbage(grace: .seconds(3600)).blobs == 0)
            #expect(try await store.collectGarbage(grace: .zero) == .init(blobs: 1, bytes: Int64(bytes.count)))
            #expect(try await store.stat([digest]).isEmpty)
            #expect(try await count("eclm.blob_chunks", database) == 0)
            if let directory = store.storage as? DirectoryBlobStorage {
                let paths = FileManager.default.subpaths(atPath: directory.root) ?? []
                #expect(!paths.contains { $0.contains(digest.hex) })
            }
            try await store.put(bytes, digest: digest)
            #expect(try await store.read(digest, range: 0..<5) == Array(bytes[..<5]))
        }
    }

    @Test("Files that a rolled back transaction left behind are swept when they are old")
    func orphanedFiles() async throws {
        try await withBlobStore(.directory) { store, database in
            let directory = try #require(store.storage as? DirectoryBlobStorage)
            let (kept, lost) = (testBytes(100), testBytes(100, seed: 2))
            try await store.put(kept, digest: .of(kept))
            await #expect(throws: CancellationError.self) {
                try await database.pool.transaction { connection in
                    try await store.write(lost, digest: .of(lost), on: connection)
                    throw CancellationError()
                }
            }
            func files() -> [String] {
                (FileManager.default.subpaths(atPath: directory.root) ?? []).filter { $0.contains(".") }
            }
            try #require(files().count == 2)
            #expect(try await store.collectGarbage() == .init())
            #expect(files().count == 2)
            for file in files() {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -30 * 24 * 3600)],
                    ofItemAtPath: directory.root + "/" + file)
            }
            let collected = try await store.collectGarbage()
            #expect(collected == .init())
            #expect(files().count == 1 && files()[0].contains(Digest.of(kept).hex))
            let read = try await store.read(.of(kept), range: 0..<100)
            #expect(read == kept)
        }
    }

    @Test("Garbage collection passes over a blob that a transaction is about to refer to")
    func garbageInUse() async throws {
        try await withBlobStore(.postgresql) { store, database in
            let bytes = testBytes(100)
            let digest = Digest.of(bytes)
            try await store.put(bytes, digest: digest)
            try await database.pool.transaction { connection in
                _ = try await store.write(Pieces(bytes, of: 100), digest: digest, size: 100, on: connection)
                #expect(try await store.collectGarbage(grace: .zero).blobs == 0)
            }
            #expect(try await store.collectGarbage(grace: .zero).blobs == 1)
        }
    }

    private func count(_ table: String, _ database: TestDatabase) async throws -> Int {
        try await database.pool.query("SELECT count(*) AS n FROM \(raw: table)").one().decode("n")
    }
}
