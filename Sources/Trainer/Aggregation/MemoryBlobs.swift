import ECLMCore
import Registry

/// Files in memory, read as the registry's blobs are, or in place.
struct MemoryBlobs: BlobReader {
    private var files: [Digest: [UInt8]] = [:]

    /// Keeps a file under a name that is not its digest, which would take longer than aggregating it. It must not be read
    /// by ``chunks(of:)``, which compares digests.
    mutating func addUnnamed(_ bytes: [UInt8]) -> ModuleFile {
        let name = Digest.of(Array("file \(files.count)".utf8))
        files[name] = bytes
        return ModuleFile(digest: name, size: Int64(bytes.count))
    }

    /// A whole file.
    func contents(of file: ModuleFile) throws(RegistryError) -> [UInt8] {
        guard let bytes = files[file.digest] else {
            throw RegistryError(.notFound, "there is no blob \(file.digest)")
        }
        return bytes
    }

    /// Pointers to all files at once, valid during the call.
    static func withPointers(
        to files: ArraySlice<[UInt8]>, _ found: [UnsafeRawPointer] = [], _ body: ([UnsafeRawPointer]) -> Void
    ) {
        guard let file = files.first else { return body(found) }
        file.withUnsafeBytes { bytes in
            // A file has at least a header.
            guard let start = bytes.baseAddress else { return }
            withPointers(to: files.dropFirst(), found + [start], body)
        }
    }

    /// Keeps a file.
    mutating func add(_ bytes: [UInt8]) -> ModuleFile {
        let digest = Digest.of(bytes)
        files[digest] = bytes
        return ModuleFile(digest: digest, size: Int64(bytes.count))
    }

    func stat(_ digests: [Digest]) async throws(RegistryError) -> [Digest: Int64] {
        var sizes: [Digest: Int64] = [:]
        for digest in digests { sizes[digest] = files[digest].map { Int64($0.count) } }
        return sizes
    }

    func read(_ digest: Digest, range: Range<Int64>) async throws(RegistryError) -> [UInt8] {
        try bytes(of: digest, range)
    }

    func chunks(of digest: Digest) -> BlobChunks {
        BlobChunks(digest: digest) { () async throws(RegistryError) in
            guard let file = files[digest] else { throw RegistryError(.notFound, "there is no blob \(digest)") }
            return (
                Int64(file.count), { (range: Range<Int64>) async throws(RegistryError) in try bytes(of: digest, range) }
            )
        }
    }

    private func bytes(of digest: Digest, _ range: Range<Int64>) throws(RegistryError) -> [UInt8] {
        guard let file = files[digest] else { throw RegistryError(.notFound, "there is no blob \(digest)") }
        guard range.lowerBound >= 0, range.upperBound <= Int64(file.count) else {
            throw RegistryError(
                .invalidArgument,
                "bytes \(range.lowerBound)..<\(range.upperBound) were asked for of \(file.count)")
        }
        return Array(file[Int(range.lowerBound)..<Int(range.upperBound)])
    }
}
