import Aggregation
import ECLMCore
import Foundation
import Registry
import Synchronization

/// The registry's blobs, and beside them differences that full updates are taken as, in files of a temporary folder: a
/// round may have more of them than memory holds.
final class DifferenceBlobs: BlobReader {
    private let blobs: any BlobReader
    private let folder: URL
    private let sizes = Mutex<[Digest: Int64]>([:])

    /// - Throws: ``RegistryError`` with `resourceExhausted` where no folder can be made.
    init(over blobs: any BlobReader) throws {
        self.blobs = blobs
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-differences-\(UUID())")
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Self.failure(error)
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Writes the difference between full weights and the version they were trained from.
    ///
    /// It is what the device would have sent as `delta`: rounded once to F32, or F64 where the weights are.
    ///
    /// - Throws: ``RegistryError``; with `failedPrecondition` where the two are not of the same tensors.
    func difference(of full: ModuleFile, to base: ModuleFile) async throws -> ModuleFile {
        let trained = try await whole(full)
        let version = try await whole(base)
        let bytes: [UInt8]
        do {
            var residual: UpdateResidual?
            bytes = try UpdateEncoder.encode(trained: trained, base: version, as: .delta, residual: &residual)
        } catch {
            throw RegistryError(
                .failedPrecondition,
                "full weights \(full.digest) cannot be told as a difference to \(base.digest): \(error.explanation)",
                cause: error)
        }
        let file = ModuleFile(digest: Digest.of(bytes), size: Int64(bytes.count))
        do {
            try Data(bytes).write(to: path(file.digest))
        } catch {
            throw Self.failure(error)
        }
        sizes.withLock { $0[file.digest] = file.size }
        return file
    }

    /// Forgets every difference.
    func removeDifferences() {
        let digests = sizes.withLock { sizes in
            defer { sizes.removeAll() }
            return Array(sizes.keys)
        }
        for digest in digests { try? FileManager.default.removeItem(at: path(digest)) }
    }

    private func whole(_ file: ModuleFile) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(file.size))
        for try await chunk in blobs.chunks(of: file.digest) { bytes += chunk }
        return bytes
    }

    private func path(_ digest: Digest) -> URL {
        folder.appendingPathComponent("\(digest)".replacing(":", with: "-"))
    }

    private static func failure(_ error: any Error) -> RegistryError {
        RegistryError(
            .resourceExhausted,
            "differences of full updates cannot be written to the temporary folder: \(error.explanation); TMPDIR names another",
            cause: error)
    }

    private func size(_ digest: Digest) -> Int64? { sizes.withLock { $0[digest] } }

    func stat(_ digests: [Digest]) async throws(RegistryError) -> [Digest: Int64] {
        var found = try await blobs.stat(digests)
        for digest in digests where found[digest] == nil { found[digest] = size(digest) }
        return found
    }

    func read(_ digest: Digest, range: Range<Int64>) async throws(RegistryError) -> [UInt8] {
        guard let size = size(digest) else { return try await blobs.read(digest, range: range) }
        return try readFile(digest, range, size)
    }

    func chunks(of digest: Digest) -> BlobChunks {
        guard let size = size(digest) else { return blobs.chunks(of: digest) }
        return BlobChunks(digest: digest) { () async throws(RegistryError) in
            (
                size,
                { (range: Range<Int64>) async throws(RegistryError) in try self.readFile(digest, range, size) }
            )
        }
    }

    private func readFile(
        _ digest: Digest, _ range: Range<Int64>, _ size: Int64
    ) throws(RegistryError) -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= size else {
            throw RegistryError(
                .invalidArgument, "bytes \(range.lowerBound)..<\(range.upperBound) were asked for of \(size)")
        }
        do {
            let file = try FileHandle(forReadingFrom: path(digest))
            defer { try? file.close() }
            try file.seek(toOffset: UInt64(range.lowerBound))
            let data = try file.read(upToCount: range.count) ?? Data()
            guard data.count == range.count else {
                throw RegistryError(.dataLoss, "the temporary file of \(digest) is shorter than it was written")
            }
            return Array(data)
        } catch {
            throw RegistryError(wrapping: error)
        }
    }
}
