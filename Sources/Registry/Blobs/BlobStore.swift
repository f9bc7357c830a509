public import ECLMCore
import Foundation
public import PostgreSQL

/// The registry's blobs: rows in `eclm.blobs`, bytes in PostgreSQL or in a directory.
///
/// New bytes go to one storage; blobs that lie in another are still read, so a registry can change its storage while it
/// runs. Safe to use from many tasks and by many servers over one database.
///
/// Reading:
/// - ``stat(_:)``, ``read(_:range:)``, ``chunks(of:)``
///
/// Writing:
/// - ``put(_:digest:)`` for a small blob, ``write(_:digest:size:on:)`` inside a transaction
/// - ``beginUpload(digest:size:uploader:)`` and ``append(_:offset:bytes:uploader:)`` in parts
///
/// Upkeep:
/// - ``sweepUploads(olderThan:)``, ``collectGarbage(grace:)``
public struct BlobStore: Sendable {
    /// Where the rows are.
    public let pool: PostgresPool
    /// Where new bytes go.
    public let storage: any BlobStorage
    /// What the store allows.
    public let limits: BlobLimits

    let storages: [String: any BlobStorage]

    /// A store that keeps the bytes in PostgreSQL, where one backup holds all.
    public init(pool: PostgresPool, limits: BlobLimits = BlobLimits()) {
        self.init(pool: pool, storage: PostgreSQLBlobStorage(), limits: limits)
    }

    /// A store that keeps new bytes in a directory, which every server over the database must share; in PostgreSQL where
    /// none is named.
    public init(pool: PostgresPool, directory root: String?, limits: BlobLimits = BlobLimits()) {
        let storage: any BlobStorage = root.map { DirectoryBlobStorage(root: $0) } ?? PostgreSQLBlobStorage()
        self.init(pool: pool, storage: storage, limits: limits)
    }

    /// A store that keeps new bytes in `storage`; bytes in PostgreSQL are always readable.
    public init(pool: PostgresPool, storage: any BlobStorage, limits: BlobLimits = BlobLimits()) {
        self.pool = pool
        self.storage = storage
        self.limits = limits
        var storages: [String: any BlobStorage] = [PostgreSQLBlobStorage.name: PostgreSQLBlobStorage()]
        storages[storage.name] = storage
        self.storages = storages
    }

    func storage(named name: String, of digest: Digest) throws(RegistryError) -> any BlobStorage {
        guard let storage = storages[name] else {
            // Not a fault of what was asked: another server has it, or this one will.
            throw RegistryError(
                .unavailable,
                "blob \(digest) lies in the \(name) storage, which this program was not given; name it with "
                    + "--blob-directory")
        }
        return storage
    }
}

/// A sealed blob's row.
struct BlobRow: Sendable {
    var key: BlobKey
    var size: Int64
    var store: String

    init(_ row: PostgresRow, digest: Digest) throws {
        key = BlobKey(digest: digest, storageID: try row.decode("storage_id"))
        size = try row.decode("size")
        store = try row.decode("store")
    }

    static func find(_ digest: Digest, on connection: PostgresConnection) async throws -> BlobRow? {
        try await connection.query(
            "SELECT storage_id, size, store FROM eclm.blobs WHERE digest = \(digest.bytes)"
        ).oneOrNone().map { try BlobRow($0, digest: digest) }
    }
}

extension BlobStore: BlobReader {
    /// See ``BlobReader/stat(_:)``.
    public func stat(_ digests: [Digest]) async throws(RegistryError) -> [Digest: Int64] {
        guard !digests.isEmpty else { return [:] }
        guard digests.count <= limits.maximumDigests else {
            throw RegistryError(
                .invalidArgument, "\(digests.count) digests asked for at once; ask for at most \(limits.maximumDigests)"
            )
        }
        return try await registryErrors {
            let names = digests.map(\.bytes)
            let rows = try await pool.query(
                "SELECT digest, size FROM eclm.blobs WHERE digest = ANY (\(names))", retry: .idempotent)
            var sizes: [Digest: Int64] = [:]
            for row in rows {
                sizes[try row.digest("digest")] = try row.decode(
                    "size", as: Int64.self)
            }
            return sizes
        }
    }

    /// See ``BlobReader/read(_:range:)``.
    public func read(_ digest: Digest, range: Range<Int64>) async throws(RegistryError) -> [UInt8] {
        guard range.lowerBound >= 0, Int64(range.count) <= limits.maximumRead else {
            throw RegistryError(
                .invalidArgument,
                "bytes \(range.lowerBound)..<\(range.upperBound) were asked for; read at most \(limits.maximumRead) at once"
            )
        }
        return try await registryErrors {
            try await pool.withConnection { connection in
                let blob = try await require(digest, on: connection)
                guard range.upperBound <= blob.size else {
                    throw RegistryError(
                        .invalidArgument,
                        "bytes \(range.lowerBound)..<\(range.upperBound) of blob \(digest) were asked for, which has "
                            + "\(blob.size)")
                }
                return try await read(blob, range: range, on: connection)
            }
        }
    }

    /// See ``BlobReader/chunks(of:)``.
    public func chunks(of digest: Digest) -> BlobChunks {
        BlobChunks(digest: digest) { () async throws(RegistryError) in
            let blob = try await registryErrors {
                try await pool.withConnection { try await require(digest, on: $0) }
            }
            return (
                blob.size,
                { (range: Range<Int64>) async throws(RegistryError) in
                    try await registryErrors {
                        try await pool.withConnection { try await read(blob, range: range, on: $0) }
                    }
                }
            )
        }
    }

    private func require(_ digest: Digest, on connection: PostgresConnection) async throws -> BlobRow {
        guard let blob = try await BlobRow.find(digest, on: connection) else {
            throw RegistryError(.notFound, "there is no blob \(digest)")
        }
        return blob
    }

    private func read(_ blob: BlobRow, range: Range<Int64>, on connection: PostgresConnection) async throws -> [UInt8] {
        guard !range.isEmpty else { return [] }
        let bytes = try await storage(named: blob.store, of: blob.key.digest).read(
            blob.key, range: range, on: connection)
        guard bytes.count == range.count else {
            // Collected between the two statements, or lost.
            guard try await BlobRow.find(blob.key.digest, on: connection)?.key == blob.key else {
                throw RegistryError(.notFound, "there is no blob \(blob.key.digest) any more")
            }
            throw RegistryError(
                .dataLoss,
                "blob \(blob.key.digest) lacks stored bytes within \(range.lowerBound)..<\(range.upperBound); restore them "
                    + "from a backup or a replica")
        }
        return bytes
    }
}
