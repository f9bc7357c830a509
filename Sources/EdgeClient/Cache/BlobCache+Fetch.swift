public import ECLMCore
internal import NIOCore
internal import RegistryProtocol

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension BlobCache {
    /// What a fetch did.
    public struct FetchResult: Hashable, Sendable {
        /// The blob's size in bytes.
        public var bytes: Int64
        /// The bytes that came over the connection; fewer than ``bytes`` when a partial file was there already.
        public var fetched: Int64
    }

    /// Fetches a blob unless it is held and intact; a damaged one is replaced.
    ///
    /// Goes on where an earlier fetch stopped, and leaves what has arrived when it fails. When another task or process
    /// fetches the same blob, waits for it instead.
    /// - Parameters:
    ///   - expectedBytes: The blob's size, where it is known.
    ///   - onBytes: Told of the bytes that are there, as they arrive.
    /// - Throws: ``EdgeError``: `damaged` when the registry's bytes are not those of the digest, `storageFull`,
    ///   `notFound`, `unavailable`.
    @discardableResult
    public func fetch(
        _ digest: Digest, expectedBytes: Int64? = nil, from registry: RegistryClient,
        onBytes: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws -> FetchResult {
        if let held = try heldBytes(digest, onBytes) { return FetchResult(bytes: held, fetched: 0) }
        return try await FileLock.withLock(lockPath(of: digest), removesFile: true) {
            // Whoever held the lock may have fetched it.
            if let held = try heldBytes(digest, onBytes) { return FetchResult(bytes: held, fetched: 0) }
            try remove(digest)
            let file = try openPartial(partialPath(of: digest))
            let resumed = try file.byteCount()
            if let first = try await transfer(digest, file, expectedBytes, registry, onBytes) { return first }
            if resumed > 0 {
                // What an interrupted write left on the disk may be at fault and not the registry: once from the start.
                try file.truncate(to: 0)
                if let second = try await transfer(digest, file, expectedBytes, registry, { _ in }) { return second }
            }
            try FileSystem.remove(partialPath(of: digest))
            throw EdgeError(
                .damaged,
                "the registry's bytes for \(digest) have another digest; they were discarded. Tell its operator, and try "
                    + "again later")
        }
    }

    /// A blob's partial file. One that may not be written, as earlier versions left it where the last step failed, is made
    /// writable, or begun anew: nothing in the cache keeps a module out for good.
    private func openPartial(_ path: String) throws(EdgeError) -> ClientFile {
        if FileSystem.isForbidden(path, writing: true), chmod(path, 0o600) != 0 { try FileSystem.remove(path) }
        return try ClientFile(path, O_RDWR | O_CREAT)
    }

    /// The size of a blob that is held and intact; one that may not be read is as good as none.
    private func heldBytes(_ digest: Digest, _ onBytes: (Int64) -> Void) throws(EdgeError) -> Int64? {
        guard let entry = FileSystem.entry(path(of: digest)), !FileSystem.isForbidden(path(of: digest), writing: false),
            try isIntact(digest)
        else { return nil }
        onBytes(entry.byteCount)
        return entry.byteCount
    }

    /// Fills the partial file and gives it its name; `nil` when its bytes turn out wrong.
    private func transfer(
        _ digest: Digest, _ file: ClientFile, _ expectedBytes: Int64?, _ registry: RegistryClient,
        _ onBytes: @escaping @Sendable (Int64) -> Void
    ) async throws -> FetchResult? {
        var hash = DigestBuilder()
        var written = try file.byteCount()
        if let expectedBytes, written > expectedBytes {
            try file.truncate(to: 0)
            written = 0
        }
        try file.readAll(upTo: written) { hash.update($0) }
        onBytes(written)
        let start = written
        let source = BlobSource(digest: digest, registry: registry)

        // The first answer tells the size; most modules are one chunk, so nothing is lost by waiting for it.
        var size = expectedBytes ?? 0
        if expectedBytes == nil || written < size || size == 0 {
            let (bytes, total) = try await source.bytes(from: written, atMost: Int64(limits.chunkBytes))
            guard expectedBytes == nil || expectedBytes == total else {
                throw EdgeError(
                    .damaged, "the registry holds \(total) bytes for \(digest), the composition said \(size)")
            }
            guard total <= limits.blobBytes else {
                throw EdgeError(.refused, "\(digest) has \(total) bytes; this device takes \(limits.blobBytes) at most")
            }
            size = total
            try requireRoom(for: size - written)
            guard written <= size else { return nil }
            try append(bytes, file, &written, &hash, onBytes)
        }

        try await withThrowingTaskGroup(of: (Int64, ByteBuffer).self) { group in
            // Chunks are written in order, so that the file is always a prefix of the blob and its length says where to
            // go on; those that overtake others wait in memory.
            var overtaking: [Int64: ByteBuffer] = [:]
            var next = written
            let window = Int64(limits.chunkBytes) * Int64(limits.chunksInFlight)
            while written < size {
                while next < size, next < written + window {
                    let range = next..<min(size, next + Int64(limits.chunkBytes))
                    group.addTask { (range.lowerBound, try await source.bytes(exactly: range)) }
                    next = range.upperBound
                }
                guard let (offset, bytes) = try await group.next() else { break }
                overtaking[offset] = bytes
                while let bytes = overtaking.removeValue(forKey: written) {
                    try append(bytes, file, &written, &hash, onBytes)
                }
            }
        }
        guard hash.finalize() == digest else { return nil }
        try file.synchronize()
        let place = path(of: digest)
        try FileSystem.createDirectory(String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)]), mode: 0o700)
        try FileSystem.rename(file.path, to: place)
        // Last, so that a failure before leaves a partial file that can be written. Against mistakes only: a file system
        // without permissions, as on many memory cards, is no reason to fail.
        _ = withExtendedLifetime(file) { fchmod(file.descriptor, 0o444) }
        return FetchResult(bytes: size, fetched: size - start)
    }

    private func append(
        _ bytes: ByteBuffer, _ file: ClientFile, _ written: inout Int64, _ hash: inout DigestBuilder,
        _ onBytes: (Int64) -> Void
    ) throws(EdgeError) {
        let position = written
        let result = bytes.withUnsafeReadableBytes { readable in
            Result { () throws(EdgeError) in
                try file.write(readable, at: position)
                hash.update(readable)
            }
        }
        try result.get()
        written += Int64(bytes.readableBytes)
        onBytes(Int64(bytes.readableBytes))
    }

    /// Refuses a fetch that cannot fit before it fills the disk for everybody else.
    private func requireRoom(for bytes: Int64) throws(EdgeError) {
        guard let free = FileSystem.freeBytes(at: path), free < bytes else { return }
        throw EdgeError(
            .storageFull,
            "\(path) has room for \(free) bytes and \(bytes) are missing; free some space (edgectl cache prune) and try "
                + "again: what has arrived is kept")
    }
}

/// A blob's bytes at the registry.
struct BlobSource: Sendable {
    let digest: Digest
    let registry: RegistryClient

    /// The bytes from an offset on, as many as one answer holds but `limit` at most, and the blob's size.
    func bytes(from offset: Int64, atMost limit: Int64) async throws -> (ByteBuffer, size: Int64) {
        var request = Wire.GetBlobRequest()
        request.digest = digest.bytes
        request.offset = offset
        request.length = limit
        let (answer, bytes) = try await registry.exchange(BlobServiceAPI.get, request, attachment: ByteBuffer())
        let count = Int64(bytes.readableBytes)
        guard answer.offset == offset, answer.size >= 0, count <= limit, offset + count <= answer.size || count == 0
        else {
            throw EdgeError(
                .registryFailed,
                "BlobService.Get answered \(count) bytes at \(answer.offset) of \(answer.size) when asked for \(limit) at "
                    + "\(offset)")
        }
        return (bytes, answer.size)
    }

    /// All bytes of a range, with as many calls as it takes.
    func bytes(exactly range: Range<Int64>) async throws -> ByteBuffer {
        var (result, _) = try await bytes(from: range.lowerBound, atMost: Int64(range.count))
        while result.readableBytes < range.count {
            let offset = range.lowerBound + Int64(result.readableBytes)
            var (more, _) = try await bytes(from: offset, atMost: range.upperBound - offset)
            guard more.readableBytes > 0 else {
                throw EdgeError(.registryFailed, "BlobService.Get gives no bytes at \(offset) of \(digest)")
            }
            result.writeBuffer(&more)
        }
        return result
    }
}
