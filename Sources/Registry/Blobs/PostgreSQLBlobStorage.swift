import ECLMCore
public import PostgreSQL

/// Bytes in `eclm.blob_chunks`: chunks of 1 MiB, stored out of line and uncompressed, so that a part of one can be read
/// without the rest.
public struct PostgreSQLBlobStorage: BlobStorage {
    static let name = "postgresql"

    /// What `eclm.blobs.store` says.
    public var name: String { Self.name }

    /// Yes: everything happens in the connection's transaction.
    public var isTransactional: Bool { true }

    /// The storage; it needs no settings.
    public init() {}

    /// Writes the chunks with COPY, in the connection's transaction.
    public func write<Chunks: AsyncSequence & Sendable>(
        _ chunks: Chunks, at offset: Int64, of key: BlobKey, on connection: PostgresConnection
    ) async throws where Chunks.Element == ArraySlice<UInt8> {
        var number = Int32(offset / Int64(BlobLayout.chunkSize))
        try await connection.copyIn(
            "COPY eclm.blob_chunks (storage_id, number, data) FROM STDIN (FORMAT binary)"
        ) { writer in
            for try await chunk in chunks {
                try await writer.row([key.storageID, number, chunk])
                number += 1
            }
        }
    }

    /// Reads the chunks the range touches, in one statement; only the wanted part of the first and last leaves the server.
    public func read(
        _ key: BlobKey, range: Range<Int64>, on connection: PostgresConnection
    ) async throws -> [UInt8] {
        guard !range.isEmpty else { return [] }
        let size = Int64(BlobLayout.chunkSize)
        let (first, last) = (range.lowerBound / size, (range.upperBound - 1) / size)
        let skipped = Int32(range.lowerBound - first * size)
        // Where the range ends within the last chunk.
        let end = Int32(range.upperBound - last * size)
        let rows = try await connection.query(
            """
            SELECT number, substring(data
                    FROM CASE WHEN number = \(Int32(first)) THEN \(skipped) + 1 ELSE 1 END
                    FOR CASE WHEN number = \(Int32(last)) THEN \(end) ELSE \(Int32(size)) END
                        - CASE WHEN number = \(Int32(first)) THEN \(skipped) ELSE 0 END) AS data
            FROM eclm.blob_chunks
            WHERE storage_id = \(key.storageID) AND number BETWEEN \(Int32(first)) AND \(Int32(last))
            ORDER BY number
            """)
        var bytes: [UInt8] = []
        if rows.count == 1 { return try rows[0].decode("data") }
        bytes.reserveCapacity(range.count)
        var expected = Int32(first)
        for row in rows {
            // A gap ends what can be returned: what follows would stand in the wrong place.
            guard try row.decode("number", as: Int32.self) == expected else { break }
            bytes += try row.decode("data", as: [UInt8].self)
            expected += 1
        }
        return bytes
    }

    /// Deletes the chunks, which must not be sealed.
    public func remove(_ key: BlobKey, on connection: PostgresConnection) async throws {
        _ = try await connection.query("DELETE FROM eclm.blob_chunks WHERE storage_id = \(key.storageID)")
    }

    /// Nothing to do: chunks are written and forgotten in the transactions of their rows.
    public func sweep(olderThan age: Duration, on connection: PostgresConnection) async throws {}
}
