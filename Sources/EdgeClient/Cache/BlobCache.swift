public import ECLMCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The blobs a device holds, by digest.
///
/// ```
/// blobs/sha256/ab/abcd…   complete and verified, read-only
/// partial/abcd…           what has arrived of a blob, from its first byte on
/// partial/abcd….lock      held by whoever fetches it
/// lock                    shared by pulls, exclusive to pruning
/// ```
/// A blob gets its name in one step, after its bytes are verified and on the disk, so that a process killed at any
/// instant leaves either the blob or a partial file to go on from. Any number of processes may share a cache.
public struct BlobCache: Sendable {
    /// The cache's directory.
    public let path: String
    /// How much is fetched at once.
    public let limits: TransferLimits

    /// The cache in a directory, which is created when missing.
    ///
    /// - Throws: ``EdgeError`` when it cannot be created.
    public init(path: String, limits: TransferLimits = .init()) throws(EdgeError) {
        try FileSystem.createDirectory(path + "/blobs/sha256", mode: 0o700)
        try FileSystem.createDirectory(path + "/partial", mode: 0o700)
        self.path = path
        self.limits = limits
    }

    /// One blob of the cache.
    public struct Entry: Hashable, Sendable {
        /// The digest it is named by.
        public var digest: Digest
        /// Its size in bytes.
        public var bytes: Int64
    }

    /// What a cache holds.
    public struct Contents: Hashable, Sendable {
        /// The complete blobs, by digest.
        public var entries: [Entry] = []
        /// Blobs of which a part has arrived, and how many bytes of each.
        public var partials: [Entry] = []

        /// The bytes of all complete blobs.
        public var bytes: Int64 { entries.reduce(0) { $0 + $1.bytes } }
        /// The bytes of all partial files.
        public var partialBytes: Int64 { partials.reduce(0) { $0 + $1.bytes } }
    }

    /// Where a blob lies or would lie.
    public func path(of digest: Digest) -> String {
        let hex = digest.hex
        return "\(path)/blobs/sha256/\(hex.prefix(2))/\(hex)"
    }

    func partialPath(of digest: Digest) -> String { "\(path)/partial/\(digest.hex)" }
    func lockPath(of digest: Digest) -> String { partialPath(of: digest) + ".lock" }
    var lockPath: String { path + "/lock" }

    /// Whether a blob is held. That its bytes are still right is what ``isIntact(_:)`` tells.
    public func holds(_ digest: Digest) -> Bool { FileSystem.entry(path(of: digest)) != nil }

    /// Whether a blob is held and its bytes are those of its digest.
    ///
    /// - Throws: ``EdgeError`` when the file cannot be read.
    public func isIntact(_ digest: Digest) throws(EdgeError) -> Bool {
        guard holds(digest) else { return false }
        return try Self.digest(ofFile: path(of: digest)) == digest
    }

    /// What the cache holds.
    ///
    /// - Throws: ``EdgeError`` when a directory cannot be read.
    public func contents() throws(EdgeError) -> Contents {
        var contents = Contents()
        for prefix in try FileSystem.names(in: path + "/blobs/sha256") {
            for name in try FileSystem.names(in: "\(path)/blobs/sha256/\(prefix)") {
                // Anything that is no digest is not ours to judge.
                guard let digest = try? Digest(name), digest.hex == name, name.hasPrefix(prefix),
                    let file = FileSystem.entry(path(of: digest))
                else { continue }
                contents.entries.append(Entry(digest: digest, bytes: file.byteCount))
            }
        }
        for name in try FileSystem.names(in: path + "/partial") {
            guard let digest = try? Digest(name), digest.hex == name,
                let file = FileSystem.entry(partialPath(of: digest))
            else { continue }
            contents.partials.append(Entry(digest: digest, bytes: file.byteCount))
        }
        return contents
    }

    /// Removes a blob, so that it is fetched again when next needed.
    ///
    /// - Throws: ``EdgeError`` when the operating system refuses.
    public func remove(_ digest: Digest) throws(EdgeError) {
        try FileSystem.remove(path(of: digest))
    }

    /// Runs `body` while nothing can be pruned: between a fetch and the sub-model that uses what was fetched.
    func whileInUse<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await FileLock.withLock(lockPath, exclusively: false, body)
    }

    static func digest(ofFile path: String) throws(EdgeError) -> Digest {
        let file = try ClientFile(path, O_RDONLY)
        var builder = DigestBuilder()
        try file.readAll(upTo: .max) { builder.update($0) }
        return builder.finalize()
    }
}

/// How much a device transfers at once.
public struct TransferLimits: Hashable, Sendable {
    /// Bytes asked for, or sent, in one call.
    public var chunkBytes: Int
    /// Chunks of one blob in flight.
    public var chunksInFlight: Int
    public var blobsInFlight: Int
    /// The largest blob that is accepted, in bytes.
    public var blobBytes: Int64
    /// Bytes of small weights that are sent in one call with the update that they belong to, at most 8 MiB; larger ones are
    /// sent before, in chunks. 0 sends all of them before.
    public var attachedBytes: Int64

    /// By default 256 KiB chunks, 2 of each of 4 blobs: 2 MiB in flight. That fills 40 MB/s at 50 ms, and over 100 kB/s
    /// still arrives within an attempt's 30 s.
    public init(
        chunkBytes: Int = 1 << 18, chunksInFlight: Int = 2, blobsInFlight: Int = 4, blobBytes: Int64 = 1 << 31,
        attachedBytes: Int64 = 1 << 21
    ) {
        self.chunkBytes = max(1, chunkBytes)
        self.chunksInFlight = max(1, chunksInFlight)
        self.blobsInFlight = max(1, blobsInFlight)
        self.blobBytes = blobBytes
        self.attachedBytes = max(0, attachedBytes)
    }
}
