public import ECLMCore
public import PostgreSQL

extension BlobStore: BlobWriter {
    /// See ``BlobWriter/put(_:digest:)``.
    public func put(_ bytes: [UInt8], digest: Digest) async throws(RegistryError) {
        try check(size: Int64(bytes.count), of: digest)
        let found = Digest.of(bytes)
        guard found == digest else { throw Self.mismatch(found: found, wanted: digest) }
        try await pool.registryTransaction { connection in
            if try await touch(digest, size: Int64(bytes.count), on: connection) { return }
            try await write(bytes, digest: digest, on: connection)
        }
    }

    /// See ``BlobWriter/write(_:digest:size:on:)``.
    @discardableResult
    public func write<Source: AsyncSequence & Sendable>(
        _ source: Source, digest: Digest, size: Int64, on connection: PostgresConnection
    ) async throws(RegistryError) -> Bool where Source.Element == [UInt8] {
        try check(size: size, of: digest)
        return try await registryErrors {
            if try await hold(digest, size: size, on: connection) { return false }
            let row = try await connection.query("SELECT nextval('eclm.blob_storage_ids') AS storage_id").one()
            let key = BlobKey(digest: digest, storageID: try row.decode("storage_id"))
            let tally = BlobTally(limit: size)
            try await storage.write(ChunkedPieces(source: source, tally: tally), at: 0, of: key, on: connection)
            let (found, received) = tally.result
            guard received == size else {
                throw RegistryError(
                    .invalidArgument, "blob \(digest) was announced with \(size) bytes and came with \(received)")
            }
            guard found == digest else { throw Self.mismatch(found: found, wanted: digest) }
            return try await seal(key, size: size, on: connection)
        }
    }

    static func mismatch(found: Digest, wanted: Digest) -> RegistryError {
        RegistryError(.invalidArgument, "the bytes have digest \(found), not \(wanted); nothing was stored")
    }

    func check(size: Int64, of digest: Digest) throws(RegistryError) {
        guard (0...limits.maximumSize).contains(size) else {
            throw RegistryError(
                .invalidArgument, "blob \(digest) has \(size) bytes; at most \(limits.maximumSize) are allowed")
        }
    }

    /// Makes what was written visible, or forgets it where somebody else was first; waits for who is just doing so.
    /// - Returns: whether it was made visible now.
    func seal(_ key: BlobKey, size: Int64, on connection: PostgresConnection) async throws -> Bool {
        let sealed = try await connection.query(
            """
            INSERT INTO eclm.blobs (digest, size, store, storage_id)
            VALUES (\(key.digest.bytes), \(size), \(storage.name), \(key.storageID))
            ON CONFLICT DO NOTHING
            """
        ).rowsAffected
        if sealed == 1 { return true }
        try await storage.remove(key, on: connection)
        // Who was first may have been collected between the two statements.
        guard try await hold(key.digest, size: size, on: connection) else {
            throw RegistryError(.aborted, "blob \(key.digest) was collected as garbage meanwhile; repeat the request")
        }
        return false
    }

    /// Whether the blob exists; it then stays until the transaction's end.
    private func hold(_ digest: Digest, size: Int64, on connection: PostgresConnection) async throws -> Bool {
        let row = try await connection.query(
            "SELECT size FROM eclm.blobs WHERE digest = \(digest.bytes) FOR KEY SHARE"
        ).oneOrNone()
        guard let row else { return false }
        try Self.check(stored: row.decode("size"), announced: size, digest)
        return true
    }

    /// Whether the blob exists; its grace period then starts anew. Not written more than once a minute.
    func touch(_ digest: Digest, size: Int64, on connection: PostgresConnection) async throws -> Bool {
        let row = try await connection.query(
            """
            WITH touched AS (
                UPDATE eclm.blobs SET wanted_at = clock_timestamp()
                WHERE digest = \(digest.bytes) AND wanted_at < clock_timestamp() - interval '1 minute'
                RETURNING size
            )
            SELECT size FROM touched
            UNION SELECT size FROM eclm.blobs
                WHERE digest = \(digest.bytes) AND wanted_at >= clock_timestamp() - interval '1 minute'
            """
        ).oneOrNone()
        guard let row else { return false }
        try Self.check(stored: row.decode("size"), announced: size, digest)
        return true
    }

    private static func check(stored: Int64, announced: Int64, _ digest: Digest) throws(RegistryError) {
        guard stored == announced else {
            throw RegistryError(.invalidArgument, "blob \(digest) has \(stored) bytes, not \(announced)")
        }
    }
}
