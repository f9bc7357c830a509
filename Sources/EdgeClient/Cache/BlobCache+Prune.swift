public import ECLMCore

extension BlobCache {
    /// What pruning removed, or would.
    public struct PruneResult: Hashable, Sendable {
        /// The blobs that no sub-model uses.
        public var blobs: [Entry] = []
        /// The partial files nobody has gone on with.
        public var partials: [Entry] = []

        /// The bytes freed.
        public var bytes: Int64 { (blobs + partials).reduce(0) { $0 + $1.bytes } }
    }

    /// Removes the blobs that are not in use, and partial files that nobody fetches.
    ///
    /// Waits until no pull is under way, so that nothing is removed between its fetch and its sub-model.
    /// - Parameters:
    ///   - inUse: Tells the digests to keep, called when no pull is under way.
    ///   - partialAge: Partial files changed within this time stay: somebody may go on with them.
    ///   - isDryRun: Whether to only tell what would be removed.
    /// - Throws: ``EdgeError`` when the operating system refuses.
    public func prune(
        keeping inUse: () throws -> Set<Digest>, partialAge: Duration = .seconds(86_400), isDryRun: Bool = false
    ) async throws -> PruneResult {
        try await FileLock.withLock(lockPath) {
            let kept = try inUse()
            let contents = try contents()
            var result = PruneResult()
            for entry in contents.entries where !kept.contains(entry.digest) {
                if !isDryRun { try remove(entry.digest) }
                result.blobs.append(entry)
            }
            let oldest = FileSystem.now - partialAge.components.seconds
            for entry in contents.partials {
                let path = partialPath(of: entry.digest)
                // One that may not be written serves nobody, however new it is.
                guard let file = FileSystem.entry(path),
                    file.modifiedSeconds <= oldest || FileSystem.isForbidden(path, writing: true),
                    !FileLock.isHeld(lockPath(of: entry.digest))
                else { continue }
                if !isDryRun {
                    try FileSystem.remove(path)
                    try FileSystem.remove(lockPath(of: entry.digest))
                }
                result.partials.append(entry)
            }
            return result
        }
    }

    /// The blobs whose bytes are not those of their digest.
    ///
    /// - Parameter onBytes: Told of the bytes read.
    /// - Throws: ``EdgeError`` when a file cannot be read.
    public func damaged(onBytes: (Int64) -> Void = { _ in }) throws(EdgeError) -> [Entry] {
        var damaged: [Entry] = []
        for entry in try contents().entries {
            // Another process may have removed it meanwhile, which is no damage.
            do throws(EdgeError) {
                if try Self.digest(ofFile: path(of: entry.digest)) != entry.digest { damaged.append(entry) }
            } catch {
                guard error.code == .notFound else { throw error }
            }
            onBytes(entry.bytes)
        }
        return damaged
    }
}
