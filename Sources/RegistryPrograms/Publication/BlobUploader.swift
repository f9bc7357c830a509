public import CommandSupport
public import ECLMCore
import Foundation
import Registry

/// Stores the blobs of a manifest that the registry lacks, each in bounded memory.
public struct BlobUploader {
    let session: RegistrySession
    /// Shows how far the upload is.
    public let bar: ProgressBar
    /// Blobs that were new.
    public private(set) var blobsStored = 0
    public private(set) var bytesStored: Int64 = 0

    /// An uploader to a registry.
    public init(session: RegistrySession, bar: ProgressBar) {
        self.session = session
        self.bar = bar
    }

    /// Stores what is missing, in ascending order of digests, as ``BlobWriter/write(_:digest:size:on:)`` asks.
    ///
    /// - Throws: ``CommandFailure`` with `notFound` where the folder lacks a blob that is to be stored.
    public mutating func storeMissing(of manifest: ModelManifest, from folder: String) async throws {
        let digests = Set(manifest.modules.map(\.digest)).sorted()
        var known: Set<Digest> = []
        for start in stride(from: 0, to: digests.count, by: 10_000) {
            known.formUnion(try await session.blobs.stat(Array(digests[start...].prefix(10_000))).keys)
        }
        var missing: [(digest: Digest, path: String, size: Int64)] = []
        for digest in digests where !known.contains(digest) {
            let (path, size) = try Self.find(digest, in: folder)
            missing.append((digest, path, size))
            bar.expect(size)
        }
        for (digest, path, size) in missing {
            let bar = bar
            let isNew = try await session.pool.registryTransaction { [blobs = session.blobs] connection in
                let pieces = FilePieces(path: path) { bar.advance($0) }
                return try await blobs.write(pieces, digest: digest, size: size, on: connection)
            }
            if isNew {
                blobsStored += 1
                bytesStored += size
            }
        }
    }

    private static func find(_ digest: Digest, in folder: String) throws -> (path: String, size: Int64) {
        for name in ["\(digest.hex).safetensors", digest.hex, "blobs/\(digest.hex).safetensors"] {
            let path = "\(folder)/\(name)"
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
                attributes[.type] as? FileAttributeType == .typeRegular, let size = attributes[.size] as? NSNumber
            else { continue }
            return (path, size.int64Value)
        }
        throw CommandFailure(
            .notFound, "the folder \(folder.debugDescription) has no blob \(digest.hex).safetensors",
            hint: "name the folder with --blobs; the registry does not hold that blob either")
    }
}

/// The bytes of a file, piece by piece.
struct FilePieces: AsyncSequence, Sendable {
    let path: String
    let advanced: @Sendable (Int64) -> Void

    func makeAsyncIterator() -> Iterator { Iterator(path: path, advanced: advanced) }

    struct Iterator: AsyncIteratorProtocol {
        let path: String
        let advanced: @Sendable (Int64) -> Void
        private var handle: FileHandle?
        private var isAtEnd = false

        init(path: String, advanced: @escaping @Sendable (Int64) -> Void) {
            self.path = path
            self.advanced = advanced
        }

        mutating func next() async throws -> [UInt8]? {
            guard !isAtEnd else { return nil }
            let file: FileHandle
            if let handle {
                file = handle
            } else {
                file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                handle = file
            }
            guard let data = try file.read(upToCount: BlobLayout.chunkSize), !data.isEmpty else {
                isAtEnd = true
                try file.close()
                return nil
            }
            advanced(Int64(data.count))
            return [UInt8](data)
        }
    }
}
