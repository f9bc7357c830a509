import Dispatch
import ECLMCore
import Foundation
public import PostgreSQL

/// Bytes in files of a directory, for registries whose weights outgrow the database.
///
/// A file is `<first two digits>/<64 digits of the digest>.<storage id>`, so `sha256sum` can check it. Every server over
/// the database must see the same directory, and backups must take the database first and the directory after it.
public struct DirectoryBlobStorage: BlobStorage {
    /// What `eclm.blobs.store` says.
    public let name = "directory"
    /// No: files know no transactions.
    public let isTransactional = false
    /// The directory; it is made when first written to.
    public let root: String

    /// A storage in a directory.
    public init(root: String) { self.root = root }

    /// Writes the chunks into the key's file and makes them durable.
    public func write<Chunks: AsyncSequence & Sendable>(
        _ chunks: Chunks, at offset: Int64, of key: BlobKey, on connection: PostgresConnection
    ) async throws where Chunks.Element == ArraySlice<UInt8> {
        let path = path(of: key)
        let root = root
        if try await BlockingFiles.run({ access(root, F_OK) != 0 }) {
            // Where blobs lie in it, the folder is not new but away: writing would fill the disk under its mount point.
            let known = try await connection.query("SELECT FROM eclm.blobs WHERE store = \(name) LIMIT 1")
            guard known.isEmpty else { throw Self.away(root) }
        }
        let file = try await BlockingFiles.run { try BlobFile(creating: path) }
        var position = offset
        for try await chunk in chunks {
            let at = position
            try await BlockingFiles.run { try file.write(chunk, at: at) }
            position += Int64(chunk.count)
        }
        let end = position
        // What an earlier attempt that was rolled back left behind the end must not stay.
        try await BlockingFiles.run { try file.finish(length: end) }
    }

    /// Reads from the key's file.
    public func read(
        _ key: BlobKey, range: Range<Int64>, on connection: PostgresConnection
    ) async throws -> [UInt8] {
        let path = path(of: key)
        let root = root
        return try await BlockingFiles.run {
            guard let file = try BlobFile(opening: path) else {
                // One file that is gone is a loss; all of them is a disk that is not mounted.
                if access(root, F_OK) != 0 { throw Self.away(root) }
                return []
            }
            return try file.read(range)
        }
    }

    private static func away(_ root: String) -> RegistryError {
        RegistryError(
            .unavailable,
            "the blob directory \(root) is not there; mount it, or name the right one with --blob-directory")
    }

    /// Deletes the key's file.
    public func remove(_ key: BlobKey, on connection: PostgresConnection) async throws {
        let path = path(of: key)
        try await BlockingFiles.run {
            if unlink(path) != 0, errno != ENOENT { throw RegistryError.system("delete", path, number: errno) }
        }
    }

    /// Deletes the files that no row knows: transactions that wrote them were rolled back, or the server was killed.
    public func sweep(olderThan age: Duration, on connection: PostgresConnection) async throws {
        let newest = Date(timeIntervalSinceNow: -(age / .seconds(1)))
        let root = root
        let folders = try await BlockingFiles.run {
            (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        }
        for folder in folders where folder.utf8.count == 2 {
            let files = try await BlockingFiles.run { try Self.files(in: root + "/" + folder, before: newest) }
            guard !files.isEmpty else { continue }
            let known = try await connection.query(
                """
                SELECT storage_id FROM eclm.blobs WHERE storage_id = ANY (\(Array(files.keys)))
                UNION ALL SELECT storage_id FROM eclm.blob_uploads WHERE storage_id = ANY (\(Array(files.keys)))
                """
            ).map { try $0.decode("storage_id", as: Int64.self) }
            let unknown = files.filter { !known.contains($0.key) }.values
            try await BlockingFiles.run { for path in unknown { unlink(path) } }
        }
    }

    private func path(of key: BlobKey) -> String {
        let digits = key.digest.hex
        return "\(root)/\(digits.prefix(2))/\(digits).\(key.storageID)"
    }

    /// The storage's files in a folder that were last written before `newest`, by storage id.
    private static func files(in folder: String, before newest: Date) throws -> [Int64: String] {
        var files: [Int64: String] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].utf8.count == 64, let storageID = Int64(parts[1]) else { continue }
            let path = folder + "/" + name
            guard let written = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date,
                written < newest
            else { continue }
            files[storageID] = path
        }
        return files
    }
}
