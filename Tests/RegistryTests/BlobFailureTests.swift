import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Blobs when the database fails")
struct BlobFailureTests {
    static let mebibyte = 1 << 20

    /// Yields pieces and, before the last, does something terrible.
    struct Interrupted: AsyncSequence, Sendable {
        typealias Element = [UInt8]
        let pieces: Pieces
        let interrupt: @Sendable () async throws -> Void

        func makeAsyncIterator() -> Iterator { Iterator(rest: pieces.pieces[...], interrupt: interrupt) }

        struct Iterator: AsyncIteratorProtocol {
            var rest: ArraySlice<[UInt8]>
            let interrupt: @Sendable () async throws -> Void

            mutating func next() async throws -> [UInt8]? {
                if rest.count == 1 { try await interrupt() }
                return rest.popFirst()
            }
        }
    }

    @Test("A writer whose connection is killed half way leaves nothing, and can repeat")
    func killedHalfWay() async throws {
        try await withBlobStore(.postgresql) { store, database in
            let bytes = testBytes(4 * Self.mebibyte)
            let digest = Digest.of(bytes)
            let pieces = Pieces(bytes, of: Self.mebibyte)
            let error = await #expect(throws: RegistryError.self) {
                try await database.pool.registryTransaction { connection in
                    let backend: Int32 = try await connection.query("SELECT pg_backend_pid() AS pid").one().decode(
                        "pid")
                    let source = Interrupted(pieces: pieces) {
                        _ = try await database.pool.query("SELECT pg_terminate_backend(\(backend))")
                    }
                    try await store.write(source, digest: digest, size: Int64(bytes.count), on: connection)
                }
            }
            #expect(error?.code == .unavailable, "\(String(describing: error))")
            #expect(try await store.stat([digest]).isEmpty)
            #expect(try await rows("eclm.blob_chunks", database) == 0)
            try await database.pool.registryTransaction { connection in
                try await store.write(pieces, digest: digest, size: Int64(bytes.count), on: connection)
            }
            #expect(try await store.read(digest, range: 0..<Int64(bytes.count)) == bytes)
        }
    }

    @Test("A part whose connection is killed is not received, and the upload goes on from the part before")
    func killedUpload() async throws {
        try await withBlobStore(.postgresql) { store, database in
            let bytes = testBytes(2 * Self.mebibyte)
            let digest = Digest.of(bytes)
            let upload = try await store.beginUpload(digest: digest, size: Int64(bytes.count), uploader: "a")
            let id = try #require(upload.id)
            let parts = Pieces(bytes, of: Self.mebibyte).pieces
            _ = try await store.append(id, offset: 0, bytes: parts[0], uploader: "a")
            // Somebody holds the chunks, so the second part waits in the middle of its transaction.
            try await database.withConnection { blocker in
                try await blocker.transaction { blocker in
                    try await blocker.execute(script: "LOCK TABLE eclm.blob_chunks IN EXCLUSIVE MODE")
                    async let outcome: Void = {
                        let error = await #expect(throws: RegistryError.self) {
                            try await store.append(id, offset: Int64(Self.mebibyte), bytes: parts[1], uploader: "a")
                        }
                        #expect(error?.code == .unavailable, "\(String(describing: error))")
                    }()
                    var killed = 0
                    while killed == 0 {
                        killed = try await database.pool.query(
                            """
                            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'
                            """
                        ).count
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    await outcome
                }
            }
            #expect(try await store.stat([digest]).isEmpty)
            let again = try await store.beginUpload(digest: digest, size: Int64(bytes.count), uploader: "a")
            #expect(again.id == id && again.offset == Int64(Self.mebibyte))
            #expect(try await store.append(id, offset: again.offset, bytes: parts[1], uploader: "a").complete)
            #expect(try await store.read(digest, range: 0..<Int64(bytes.count)) == bytes)
        }
    }

    @Test("A database that cannot be reached is reported as unavailable, and one that is not there as what it is")
    func lostDatabase() async throws {
        try await withDatabase { database in
            func code(_ connectionString: String) async -> RegistryError.Code? {
                let pool = PostgresPool(configuration: PostgresConfiguration(connectionString: connectionString))
                let error = await #expect(throws: RegistryError.self) {
                    try await BlobStore(pool: pool).stat([.of([1])])
                }
                await pool.shutdown()
                return error?.code
            }
            let nowhere = "host=/nonexistent dbname='\(database.name)'"
            #expect(await code(nowhere) == .unavailable)
            let unknown = TestCluster.connectionString(database: database.name + "_gone")
            #expect(await code(unknown) == .failedPrecondition)
        }
    }

    @Test(
        "A full disk leaves nothing half-written, says so, and is over when there is room",
        .enabled(if: TestDisk.isAvailable, Comment(rawValue: TestDisk.requirement)))
    func fullDisk() async throws {
        try await TestDisk.withTableSpace(megabytes: 8) { tableSpace, _ in
            try await withBlobStore(.postgresql) { store, database in
                try await database.pool.query("ALTER TABLE eclm.blob_chunks SET TABLESPACE \(identifier: tableSpace)")
                let small = testBytes(Self.mebibyte, seed: 3)
                try await store.put(small, digest: .of(small))

                let large = testBytes(20 * Self.mebibyte)
                let error = await #expect(throws: RegistryError.self) {
                    try await store.put(large, digest: .of(large))
                }
                #expect(error?.code == .resourceExhausted)
                #expect(error?.message.contains("disk is full") == true)
                #expect(try await store.stat([.of(large), .of(small)]) == [.of(small): Int64(small.count)])
                #expect(try await rows("eclm.blob_chunks", database) == 1)

                // Parts of an upload stay as far as they were received.
                let upload = try await store.beginUpload(digest: .of(large), size: Int64(large.count), uploader: "a")
                var received: Int64 = 0
                let full = await #expect(throws: RegistryError.self) {
                    while true {
                        let part = Array(large[Int(received)..<Int(received) + Self.mebibyte])
                        received = try await store.append(
                            #require(upload.id), offset: received, bytes: part, uploader: "a"
                        ).received
                    }
                }
                #expect(full?.code == .resourceExhausted)
                #expect(try await store.read(.of(small), range: 0..<Int64(small.count)) == small)

                // With room again, both ways work.
                try await database.pool.query("ALTER TABLE eclm.blob_chunks SET TABLESPACE pg_default")
                let again = try await store.beginUpload(digest: .of(large), size: Int64(large.count), uploader: "a")
                #expect(again.offset == received)
                try await store.put(large, digest: .of(large))
                #expect(try await store.read(.of(large), range: 0..<Int64(large.count)) == large)
            }
        }
    }

    @Test(
        "A full disk of a blob directory leaves nothing visible, and says so",
        .enabled(if: TestDisk.isAvailable, Comment(rawValue: TestDisk.requirement)))
    func fullDirectory() async throws {
        try await TestDisk.withTableSpace(megabytes: 4) { _, disk in
            try await withDatabase { database in
                let store = BlobStore(pool: database.pool, directory: disk.path + "/blobs")
                let large = testBytes(8 * Self.mebibyte)
                let error = await #expect(throws: RegistryError.self) {
                    try await store.put(large, digest: .of(large))
                }
                #expect(error?.code == .resourceExhausted)
                let visible = try await store.stat([.of(large)])
                #expect(visible.isEmpty)
            }
        }
    }

    private func rows(_ table: String, _ database: TestDatabase) async throws -> Int {
        try await database.pool.query("SELECT count(*) AS n FROM \(raw: table)").one().decode("n")
    }
}
