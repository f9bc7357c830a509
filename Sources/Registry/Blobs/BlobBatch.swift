public import ECLMCore
import PostgreSQL

/// Small blobs in memory that are stored together with what refers to them. Their digests are checked.
public struct BlobBatch: Sendable {
    /// The bytes by digest.
    public let contents: [Digest: [UInt8]]

    /// A batch of none.
    public init() { contents = [:] }

    /// A batch of these blobs; the same blob may be given twice.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` where bytes do not have their digest.
    public init(_ blobs: [(digest: Digest, bytes: [UInt8])]) throws(RegistryError) {
        var contents: [Digest: [UInt8]] = [:]
        for (digest, bytes) in blobs {
            let found = Digest.of(bytes)
            guard found == digest else { throw BlobStore.mismatch(found: found, wanted: digest) }
            contents[digest] = bytes
        }
        self.contents = contents
    }

    /// The bytes of all of them.
    public var size: Int64 { contents.values.reduce(0) { $0 + Int64($1.count) } }
}

extension BlobStore {
    /// Stores those of the blobs that are not there within the caller's transaction: in one statement, where the bytes go
    /// to PostgreSQL.
    ///
    /// - Returns: The bytes that were stored now.
    func write(_ batch: BlobBatch, on connection: PostgresConnection) async throws -> Int64 {
        // In ascending order, so that no two such transactions wait for each other.
        let blobs = batch.contents.sorted { $0.key < $1.key }
        guard !blobs.isEmpty else { return 0 }
        guard storage.name == PostgreSQLBlobStorage.name else {
            var stored: Int64 = 0
            for (digest, bytes) in blobs where try await write(bytes, digest: digest, on: connection) {
                stored += Int64(bytes.count)
            }
            return stored
        }
        return try await connection.query(
            "SELECT eclm.put_blobs(\(blobs.map(\.key.bytes)), \(blobs.map(\.value))) AS bytes"
        ).one().decode("bytes")
    }

    /// Refuses a batch that is too large to be held in memory for long.
    func check(_ batch: BlobBatch) throws(RegistryError) {
        guard batch.size <= limits.partMaximum else {
            throw RegistryError(
                .invalidArgument,
                "the attached blobs have \(batch.size) bytes together; at most \(limits.partMaximum) are taken at once: "
                    + "put the larger ones first")
        }
    }

    /// The bytes of those of the blobs that are short and lie in PostgreSQL, verified, in as few statements as memory
    /// allows; what is left out is read in pieces.
    ///
    /// - Parameter sizes: What ``stat(_:)`` told.
    func shortContents(of sizes: [Digest: Int64]) async throws(RegistryError) -> [Digest: [UInt8]] {
        let short = sizes.filter { $0.value <= Int64(BlobLayout.chunkSize) }.sorted { $0.key < $1.key }
        guard short.reduce(0, { $0 + $1.value }) <= limits.partMaximum else { return [:] }
        return try await registryErrors {
            let rows = try await pool.query(
                """
                SELECT b.digest, c.data FROM eclm.blobs b
                JOIN eclm.blob_chunks c ON c.storage_id = b.storage_id AND c.number = 0
                WHERE b.digest = ANY (\(short.map(\.key.bytes))) AND b.store = \(PostgreSQLBlobStorage.name)
                """, retry: .idempotent)
            var contents: [Digest: [UInt8]] = [:]
            for row in rows {
                let digest = try row.digest("digest")
                let bytes: [UInt8] = try row.decode("data")
                let found = Digest.of(bytes)
                guard found == digest else { throw BlobChunks.mismatch(of: digest, found: found) }
                contents[digest] = bytes
            }
            return contents
        }
    }
}
