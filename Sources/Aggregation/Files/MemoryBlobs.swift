package import ECLMCore

/// Files in memory, read as stored ones are, or in place.
package struct MemoryBlobs: BlobSource {
    private var files: [Digest: [UInt8]] = [:]

    package init() {}

    /// Keeps a file.
    package mutating func add(_ bytes: [UInt8]) -> ModuleFile {
        let digest = Digest.of(bytes)
        files[digest] = bytes
        return ModuleFile(digest: digest, size: Int64(bytes.count))
    }

    /// Keeps a file under a name that is not its digest, which would take longer than aggregating it. It must not be read
    /// by ``forEachChunk(of:_:)``, which compares digests.
    package mutating func addUnnamed(_ bytes: [UInt8]) -> ModuleFile {
        let name = Digest.of(Array("file \(files.count)".utf8))
        files[name] = bytes
        return ModuleFile(digest: name, size: Int64(bytes.count))
    }

    /// A whole file.
    func contents(of file: ModuleFile) throws(AggregationError) -> [UInt8] { try contents(of: file.digest) }

    private func contents(of digest: Digest) throws(AggregationError) -> [UInt8] {
        guard let bytes = files[digest] else {
            throw AggregationError(.damagedBytes, "there is no blob \(digest)")
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

    package func bytes(of digest: Digest, in range: Range<Int64>) async throws -> [UInt8] {
        let file = try contents(of: digest)
        guard range.lowerBound >= 0, range.upperBound <= Int64(file.count) else {
            throw AggregationError(
                .damagedBytes, "bytes \(range.lowerBound)..<\(range.upperBound) were asked for of \(file.count)")
        }
        return Array(file[Int(range.lowerBound)..<Int(range.upperBound)])
    }

    package func forEachChunk(of digest: Digest, _ body: ([UInt8]) throws -> Void) async throws {
        let file = try contents(of: digest)
        try body(file)
        let found = Digest.of(file)
        guard found == digest else { throw AggregationError.mismatch(of: digest, found: found) }
    }
}

extension AggregationError {
    /// What stored bytes are reported as that do not have their digest.
    static func mismatch(of digest: Digest, found: Digest) -> AggregationError {
        AggregationError(
            .damagedBytes,
            "the stored bytes of blob \(digest) have digest \(found); restore them from a backup or a replica")
    }
}
