public import ECLMCore
public import PostgreSQL

/// What names a blob's bytes in a ``BlobStorage``: two writers of one digest have different keys.
public struct BlobKey: Sendable, Hashable {
    /// The digest the bytes have, or shall have once they are all there.
    public var digest: Digest
    /// The number from `eclm.blob_storage_ids`.
    public var storageID: Int64

    public init(digest: Digest, storageID: Int64) {
        self.digest = digest
        self.storageID = storageID
    }
}

/// Where the bytes of blobs lie; the rows that make them visible are always in PostgreSQL, kept by ``BlobStore``.
///
/// A storage stores and forgets what it is told and decides nothing. What it was given must be durable when the
/// connection's transaction commits, and may stay behind when that is rolled back: ``sweep(olderThan:on:)`` finds it.
public protocol BlobStorage: Sendable {
    /// What `eclm.blobs.store` says of blobs that lie here.
    var name: String { get }

    /// Whether ``remove(_:on:)`` is undone when the connection's transaction is rolled back.
    var isTransactional: Bool { get }

    /// Writes chunks one after another from `offset`, a multiple of ``BlobLayout/chunkSize``. Every chunk but the last has
    /// exactly that size.
    func write<Chunks: AsyncSequence & Sendable>(
        _ chunks: Chunks, at offset: Int64, of key: BlobKey, on connection: PostgresConnection
    ) async throws where Chunks.Element == ArraySlice<UInt8>

    /// Reads a range of what was written; fewer bytes where some are missing.
    func read(_ key: BlobKey, range: Range<Int64>, on connection: PostgresConnection) async throws -> [UInt8]

    /// Forgets everything of a key.
    func remove(_ key: BlobKey, on connection: PostgresConnection) async throws

    /// Forgets bytes older than `age` that belong to no blob and no upload.
    func sweep(olderThan age: Duration, on connection: PostgresConnection) async throws
}
