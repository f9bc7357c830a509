public import ECLMCore
public import Foundation
import PostgreSQL

extension BlobStore {
    /// See ``BlobWriter/beginUpload(digest:size:uploader:)``.
    public func beginUpload(
        digest: Digest, size: Int64, uploader: String
    ) async throws(RegistryError) -> BlobUpload {
        guard size >= 1 else {
            throw RegistryError(
                .invalidArgument, "an upload has at least 1 byte; blob \(digest) was announced with \(size)")
        }
        try check(size: size, of: digest)
        guard (1...256).contains(uploader.utf8.count) else {
            throw RegistryError(.invalidArgument, "the uploader's name must have 1 to 256 bytes")
        }
        return try await pool.registryTransaction { connection in
            if try await touch(digest, size: size, on: connection) {
                return BlobUpload(id: nil, exists: true, offset: size, partMaximum: limits.partMaximum)
            }
            let begun = try await connection.query(
                """
                SELECT upload_id, storage_id, size, received FROM eclm.blob_uploads
                WHERE uploader = \(uploader) AND digest = \(digest.bytes) FOR UPDATE
                """
            ).oneOrNone().map(UploadRow.init)
            if let begun, begun.size == size {
                _ = try await connection.query(
                    "UPDATE eclm.blob_uploads SET updated_at = clock_timestamp() WHERE upload_id = \(begun.id)")
                return begun.upload(partMaximum: limits.partMaximum)
            }
            // One of the two sizes was a mistake: the digest has one. The later word counts.
            if let begun { try await discard(begun.id, digest, begun.storageID, on: connection) }
            try await checkUploads(of: uploader, on: connection)
            let row = try await connection.query(
                """
                INSERT INTO eclm.blob_uploads (digest, size, uploader)
                VALUES (\(digest.bytes), \(size), \(uploader))
                ON CONFLICT (uploader, digest) DO UPDATE SET updated_at = clock_timestamp()
                    WHERE blob_uploads.size = excluded.size
                RETURNING upload_id, storage_id, size, received
                """
            ).oneOrNone()
            guard let row else {
                throw RegistryError(
                    .aborted, "the same upload was begun twice at once with two sizes; repeat the request")
            }
            return try UploadRow(row).upload(partMaximum: limits.partMaximum)
        }
    }

    /// See ``BlobWriter/append(_:offset:bytes:uploader:)``.
    public func append(
        _ upload: UUID, offset: Int64, bytes: [UInt8], uploader: String
    ) async throws(RegistryError) -> BlobUploadProgress {
        let outcome = try await pool.registryTransaction { connection -> Result<BlobUploadProgress, RegistryError> in
            let row = try await connection.query(
                """
                SELECT upload_id, storage_id, size, received, digest FROM eclm.blob_uploads
                WHERE upload_id = \(upload) AND uploader = \(uploader) FOR UPDATE
                """
            ).oneOrNone()
            guard let row else {
                throw RegistryError(
                    .notFound,
                    "there is no upload \(upload.uuidString.lowercased()) of \(uploader): it is complete or has expired; "
                        + "begin again, which tells")
            }
            let state = try UploadRow(row)
            let key = BlobKey(
                digest: try row.digest("digest"), storageID: state.storageID)
            if try isReplay(offset: offset, count: bytes.count, of: state) {
                return .success(BlobUploadProgress(received: state.received, complete: false))
            }
            try await storage.write(MemoryChunks(bytes: bytes), at: offset, of: key, on: connection)
            let received = state.received + Int64(bytes.count)
            guard received == state.size else {
                _ = try await connection.query(
                    """
                    UPDATE eclm.blob_uploads SET received = \(received), updated_at = clock_timestamp()
                    WHERE upload_id = \(upload)
                    """)
                return .success(BlobUploadProgress(received: received, complete: false))
            }
            return try await complete(upload, key, size: state.size, on: connection)
        }
        return try outcome.get()
    }

    /// Verifies and seals a whole upload. Bytes with another digest are discarded, which has to be committed: hence a
    /// failure that is returned and not thrown.
    private func complete(
        _ upload: UUID, _ key: BlobKey, size: Int64, on connection: PostgresConnection
    ) async throws -> Result<BlobUploadProgress, RegistryError> {
        var hash = DigestBuilder()
        var position: Int64 = 0
        while position < size {
            let end = min(position + Int64(BlobLayout.chunkSize), size)
            let bytes = try await storage.read(key, range: position..<end, on: connection)
            guard bytes.count == end - position else { break }
            hash.update(bytes)
            position = end
        }
        let found = hash.finalize()
        guard position == size, found == key.digest else {
            try await discard(upload, key.digest, key.storageID, on: connection)
            let problem =
                position == size
                ? "the bytes have digest \(found), the upload was begun for \(key.digest)"
                : "the bytes received from \(position) on are gone"
            return .failure(RegistryError(position == size ? .invalidArgument : .dataLoss, "\(problem); begin again"))
        }
        _ = try await connection.query("DELETE FROM eclm.blob_uploads WHERE upload_id = \(upload)")
        _ = try await seal(key, size: size, on: connection)
        return .success(BlobUploadProgress(received: size, complete: true))
    }

    /// Whether the part was received before; throws where it neither was nor comes next.
    private func isReplay(offset: Int64, count: Int, of upload: UploadRow) throws(RegistryError) -> Bool {
        let (end, overflow) = offset.addingReportingOverflow(Int64(count))
        guard offset >= 0, !overflow, count > 0, end <= upload.size else {
            throw RegistryError(
                .invalidArgument,
                "a part of \(count) bytes at \(offset) does not fit an upload of \(upload.size) bytes; go on at "
                    + "\(upload.received)")
        }
        if end <= upload.received { return true }
        guard offset == upload.received else {
            throw RegistryError(
                .failedPrecondition,
                "the upload has received \(upload.received) bytes; go on at offset \(upload.received)")
        }
        guard count <= limits.partMaximum else {
            throw RegistryError(
                .invalidArgument, "a part has \(count) bytes; send at most \(limits.partMaximum) at once")
        }
        guard end == upload.size || count % BlobLayout.chunkSize == 0 else {
            throw RegistryError(
                .invalidArgument,
                "a part has \(count) bytes; every part but the last is a multiple of \(BlobLayout.chunkSize)")
        }
        return false
    }

    private func checkUploads(of uploader: String, on connection: PostgresConnection) async throws {
        let row = try await connection.query(
            "SELECT count(*) AS uploads FROM eclm.blob_uploads WHERE uploader = \(uploader)"
        ).one()
        let count: Int = try row.decode("uploads")
        guard count < limits.maximumUploads else {
            throw RegistryError(
                .resourceExhausted,
                "\(uploader) has \(count) uploads under way; finish them, or wait until they expire")
        }
    }

    func discard(
        _ upload: UUID, _ digest: Digest, _ storageID: Int64, on connection: PostgresConnection
    ) async throws {
        // The upload may have begun when the registry was configured with another storage.
        for storage in storages.values {
            try await storage.remove(BlobKey(digest: digest, storageID: storageID), on: connection)
        }
        _ = try await connection.query("DELETE FROM eclm.blob_uploads WHERE upload_id = \(upload)")
    }
}

/// A row of `eclm.blob_uploads`.
private struct UploadRow: Sendable {
    var id: UUID
    var storageID: Int64
    var size: Int64
    var received: Int64

    init(_ row: PostgresRow) throws {
        id = try row.decode("upload_id")
        storageID = try row.decode("storage_id")
        size = try row.decode("size")
        received = try row.decode("received")
    }

    func upload(partMaximum: Int64) -> BlobUpload {
        BlobUpload(id: id, exists: false, offset: received, partMaximum: partMaximum)
    }
}
