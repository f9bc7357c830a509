import ECLMCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A directory that a pull fills: links to the cache's blobs, and the manifest.
struct SubModelDirectory {
    let path: String

    /// Fills the directory with a new sub-model in place of the old one.
    ///
    /// It is made beside the old one, which it replaces in one step: whoever opens the directory's files by their path
    /// sees one sub-model or the other. One caller a directory at a time.
    /// - Parameter overwrites: Whether files may go that were changed since they were pulled, or that no pull wrote.
    /// - Throws: ``EdgeError`` with `refused` when such files are there.
    func replace(with manifest: SubModelManifest, from cache: BlobCache, overwrites: Bool) throws(EdgeError) {
        let isReplacing = try !FileSystem.names(in: path).isEmpty
        if isReplacing, !overwrites { try requireReplaceable(cache) }
        try removeLeftovers()
        let fresh = "\(path)\(Self.freshMark)\(UInt32.random(in: 0...UInt32.max))"
        try FileSystem.createDirectory(fresh)
        do throws(EdgeError) {
            for module in manifest.modules {
                try FileSystem.linkOrCopy(cache.path(of: module.digest), to: "\(fresh)/\(module.file)")
            }
            try manifest.write(to: fresh)
            if isReplacing {
                try exchange(fresh)
                Self.removeFlat(fresh)
            } else {
                // An empty directory gives way to a rename.
                try FileSystem.rename(fresh, to: path)
            }
        } catch {
            Self.removeFlat(fresh)
            throw error
        }
    }

    private static let freshMark = ".new-"

    /// Whatever an interrupted pull left beside the directory.
    private func removeLeftovers() throws(EdgeError) {
        guard let slash = path.lastIndex(of: "/") else { return }
        let parent = String(path[..<slash])
        let prefix = path[path.index(after: slash)...] + Self.freshMark
        for name in try FileSystem.names(in: parent) where name.hasPrefix(prefix) {
            Self.removeFlat("\(parent)/\(name)")
        }
    }

    private func requireReplaceable(_ cache: BlobCache) throws(EdgeError) {
        let pulled = (try? SubModelManifest(directory: path))?.modules ?? []
        for name in try FileSystem.names(in: path) where name != SubModelManifest.fileName {
            if let module = pulled.first(where: { $0.file == name }),
                try isAsPulled("\(path)/\(name)", module.digest, cache)
            {
                continue
            }
            throw EdgeError(
                .refused,
                "\(path)/\(name) is not as a pull wrote it; submit it first, move it away, or pull with --overwrite")
        }
    }

    private func isAsPulled(_ file: String, _ digest: Digest, _ cache: BlobCache) throws(EdgeError) -> Bool {
        // A link to the cache's blob needs no reading.
        if let linked = FileSystem.entry(file), let blob = FileSystem.entry(cache.path(of: digest)),
            linked.isSameFile(as: blob)
        {
            return true
        }
        return try BlobCache.digest(ofFile: file) == digest
    }

    private func exchange(_ fresh: String) throws(EdgeError) {
        #if os(Linux)
            // renameat2(2) with RENAME_EXCHANGE, which the C library exports but Swift's view of it does not declare.
            typealias Exchange =
                @convention(c) (
                    Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
                ) -> Int32
            if let symbol = dlsym(nil, "renameat2") {
                let renameat2 = unsafeBitCast(symbol, to: Exchange.self)
                if renameat2(AT_FDCWD, fresh, AT_FDCWD, path, 2) == 0 { return }
            }
        #endif
        // File systems without it: for an instant, neither is there.
        try FileSystem.rename(path, to: fresh + ".old")
        try FileSystem.rename(fresh, to: path)
        Self.removeFlat(fresh + ".old")
    }

    private static func removeFlat(_ path: String) {
        for name in (try? FileSystem.names(in: path)) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
