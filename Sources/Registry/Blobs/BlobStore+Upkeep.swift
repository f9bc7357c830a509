import ECLMCore
import Foundation
import PostgreSQL

extension BlobStore {
    /// How long an upload may rest before ``sweepUploads(olderThan:)`` discards it, unless told otherwise.
    public static let uploadExpiry = Duration.seconds(24 * 3600)
    /// How long a blob that nothing refers to is kept, unless told otherwise: long enough for a device to submit what it
    /// has uploaded.
    public static let garbageGrace = Duration.seconds(7 * 24 * 3600)

    /// What ``collectGarbage(grace:)`` deleted.
    public struct Collected: Sendable, Hashable {
        /// The number of blobs.
        public var blobs = 0
        /// Their sizes' sum.
        public var bytes: Int64 = 0

        public init(blobs: Int = 0, bytes: Int64 = 0) {
            self.blobs = blobs
            self.bytes = bytes
        }
    }

    /// See ``BlobWriter/sweepUploads(olderThan:)``. Uploads that somebody is adding to right now are passed over.
    @discardableResult
    public func sweepUploads(olderThan age: Duration = uploadExpiry) async throws(RegistryError) -> Int {
        var swept = 0
        while try await sweepOne(olderThan: age) { swept += 1 }
        return swept
    }

    /// One upload a transaction: a large one's chunks are many rows.
    private func sweepOne(olderThan age: Duration) async throws(RegistryError) -> Bool {
        try await pool.registryTransaction { connection in
            let row = try await connection.query(
                """
                SELECT upload_id, digest, storage_id FROM eclm.blob_uploads
                WHERE updated_at < clock_timestamp() - \(age / .seconds(1)) * interval '1 second'
                ORDER BY updated_at LIMIT 1 FOR UPDATE SKIP LOCKED
                """
            ).oneOrNone()
            guard let row else { return false }
            try await discard(
                row.decode("upload_id"), row.digest("digest"),
                row.decode("storage_id"),
                on: connection)
            return true
        }
    }

    /// Deletes blobs that no module version, update, optimizer's state or partial aggregate refers to and nobody has asked
    /// to store for `grace`.
    ///
    /// Deleting is nobody's daily work, so no role has the right: connect as the owner of the schema, as the role that
    /// ran `registryctl migrate` is. Publications and uploads may go on meanwhile.
    ///
    /// Blobs that lie in a storage this store was not given are left alone.
    /// - Throws: ``RegistryError`` `.permissionDenied` for any other role.
    public func collectGarbage(grace: Duration = garbageGrace) async throws(RegistryError) -> Collected {
        guard grace >= .zero else { throw RegistryError(.invalidArgument, "the grace period is negative") }
        var collected = Collected()
        var after: [UInt8] = []
        while let candidates = try await garbage(after: after, grace: grace) {
            for digest in candidates {
                guard let size = try await collect(digest, grace: grace) else { continue }
                collected.blobs += 1
                collected.bytes += size
            }
            after = candidates.last?.bytes ?? after
        }
        try await registryErrors {
            try await pool.withConnection { try await storage.sweep(olderThan: max(grace, Self.uploadExpiry), on: $0) }
        }
        return collected
    }

    /// The next candidates in ascending order, or `nil` after the last.
    private func garbage(after: [UInt8], grace: Duration) async throws(RegistryError) -> [Digest]? {
        try await registryErrors {
            let rows = try await pool.query(
                """
                SELECT digest FROM eclm.blobs b
                WHERE digest > \(after) AND \(Self.isGarbage(grace)) ORDER BY digest LIMIT 1000
                """)
            return rows.isEmpty ? nil : try rows.digests("digest")
        }
    }

    /// Deletes one blob if it still is garbage. Its row is locked first: somebody who is about to refer to it holds a
    /// lock, and the statement after sees what was committed until then.
    private func collect(_ digest: Digest, grace: Duration) async throws(RegistryError) -> Int64? {
        let deleted = try await pool.registryTransaction { connection -> (blob: BlobRow, storage: any BlobStorage)? in
            let locked = try await connection.query(
                "SELECT storage_id, size, store FROM eclm.blobs WHERE digest = \(digest.bytes) FOR UPDATE SKIP LOCKED"
            ).oneOrNone()
            guard let locked else { return nil }
            let blob = try BlobRow(locked, digest: digest)
            guard let storage = storages[blob.store] else { return nil }
            let count = try await connection.query(
                "DELETE FROM eclm.blobs b WHERE digest = \(digest.bytes) AND \(Self.isGarbage(grace))"
            ).rowsAffected
            guard count == 1 else { return nil }
            if storage.isTransactional { try await storage.remove(blob.key, on: connection) }
            return (blob, storage)
        }
        guard let (blob, storage) = deleted else { return nil }
        if !storage.isTransactional {
            // Only now: bytes must never be missing while their row is visible. A crash here leaves them to the sweep.
            try await registryErrors { try await pool.withConnection { try await storage.remove(blob.key, on: $0) } }
        }
        return blob.size
    }

    private static func isGarbage(_ grace: Duration) -> SQL {
        """
        b.wanted_at < clock_timestamp() - \(grace / .seconds(1)) * interval '1 second'
        AND NOT EXISTS (SELECT FROM eclm.module_versions v WHERE v.digest = b.digest)
        AND NOT EXISTS (SELECT FROM eclm.update_modules u WHERE u.digest = b.digest)
        AND NOT EXISTS (SELECT FROM eclm.optimizer_states s WHERE s.digest = b.digest)
        AND NOT EXISTS (SELECT FROM eclm.partials p WHERE p.digest = b.digest)
        AND NOT EXISTS (SELECT FROM eclm.partials p WHERE p.lineage = b.digest)
        AND NOT EXISTS (SELECT FROM eclm.partial_aggregates a WHERE a.lineage = b.digest)
        """
    }
}
