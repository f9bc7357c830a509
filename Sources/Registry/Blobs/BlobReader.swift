public import Aggregation
public import ECLMCore

/// Reads content-addressed bytes.
public protocol BlobReader: BlobSource {
    /// The sizes, in bytes, of those of the blobs that exist.
    func stat(_ digests: [Digest]) async throws(RegistryError) -> [Digest: Int64]

    /// Some bytes of a blob, from a position to before another. They are not verified: only the whole has a digest.
    /// - Throws: ``RegistryError`` `.notFound` where there is no such blob, `.invalidArgument` where the range goes beyond
    ///   its end or the store's read limit, `.dataLoss` where stored bytes are missing.
    func read(_ digest: Digest, range: Range<Int64>) async throws(RegistryError) -> [UInt8]

    /// The whole blob, chunk by chunk in bounded memory, verified: the sequence ends with `.dataLoss` where the bytes do
    /// not have the digest, so keep nothing before it has ended. `.notFound` where there is no such blob.
    func chunks(of digest: Digest) -> BlobChunks
}

extension BlobReader {
    /// Some bytes of a blob; see ``read(_:range:)``.
    public func bytes(of digest: Digest, in range: Range<Int64>) async throws -> [UInt8] {
        try await read(digest, range: range)
    }

    /// Calls `body` with the whole blob, chunk by chunk, verified; see ``chunks(of:)``.
    public func forEachChunk(of digest: Digest, _ body: ([UInt8]) throws -> Void) async throws {
        for try await chunk in chunks(of: digest) { try body(chunk) }
    }
}

/// A whole blob, chunk by chunk; see ``BlobReader/chunks(of:)``.
public struct BlobChunks: AsyncSequence, Sendable {
    /// A chunk of at most ``BlobLayout/chunkSize`` bytes, never empty.
    public typealias Element = [UInt8]
    /// What reading throws.
    public typealias Failure = RegistryError
    /// Reads the bytes of one chunk by their range.
    typealias Read = @Sendable (Range<Int64>) async throws(RegistryError) -> [UInt8]

    let digest: Digest
    /// Finds the blob: its size, and what reads it.
    let open: @Sendable () async throws(RegistryError) -> (size: Int64, read: Read)

    package init(
        digest: Digest,
        open:
            @escaping @Sendable () async throws(RegistryError) -> (
                size: Int64, read: @Sendable (Range<Int64>) async throws(RegistryError) -> [UInt8]
            )
    ) {
        self.digest = digest
        self.open = open
    }

    /// What stored bytes are reported as that do not have their digest.
    package static func mismatch(of digest: Digest, found: Digest) -> RegistryError {
        RegistryError(
            .dataLoss,
            "the stored bytes of blob \(digest) have digest \(found); restore them from a backup or a replica")
    }

    /// Starts from the first byte.
    public func makeAsyncIterator() -> Iterator { Iterator(digest: digest, open: open) }

    /// Reads one chunk at a time.
    public struct Iterator: AsyncIteratorProtocol {
        let digest: Digest
        let open: @Sendable () async throws(RegistryError) -> (size: Int64, read: Read)
        private var opened: (size: Int64, read: Read)?
        private var position: Int64 = 0
        private var hash = DigestBuilder()
        private var ended = false

        init(digest: Digest, open: @escaping @Sendable () async throws(RegistryError) -> (size: Int64, read: Read)) {
            self.digest = digest
            self.open = open
        }

        /// The next chunk, or `nil` when all were read and the digest was right.
        public mutating func next() async throws(RegistryError) -> [UInt8]? {
            try await next(isolation: nil)
        }

        /// The next chunk, or `nil` when all were read and the digest was right.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(RegistryError) -> [UInt8]? {
            guard !ended else { return nil }
            let blob: (size: Int64, read: Read)
            if let opened {
                blob = opened
            } else {
                blob = try await open()
                opened = blob
            }
            guard position < blob.size else {
                ended = true
                let found = hash.finalize()
                guard found == digest else {
                    throw BlobChunks.mismatch(of: digest, found: found)
                }
                return nil
            }
            let end = Swift.min(position + Int64(BlobLayout.chunkSize), blob.size)
            let bytes = try await blob.read(position..<end)
            position = end
            hash.update(bytes)
            return bytes
        }
    }
}
