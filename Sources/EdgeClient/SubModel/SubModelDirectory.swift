import Core

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
    /// sees one sub-model or the other.
    /// - Throws: ``EdgeError`` with `refused` when the directory holds files that no pull wrote.
    func replace(with manifest: SubModelManifest, from cache: BlobCache) throws(EdgeError) {
        let isReplacing = try checkReplaceable()
        let fresh = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).new"
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

    /// Whether an old sub-model is there; refuses to touch a directory with anything else in it.
    private func checkReplaceable() throws(EdgeError) -> Bool {
        let names = try FileSystem.names(in: path)
        guard !names.isEmpty else { return false }
        var known: Set<String> = [SubModelManifest.fileName]
        if names.contains(SubModelManifest.fileName) {
            known.formUnion(try SubModelManifest(directory: path).modules.map(\.file))
        }
        guard let stranger = names.first(where: { !known.contains($0) }) else { return true }
        throw EdgeError(
            .refused, "\(path) holds \(stranger), which no pull wrote; move it away or pull into another directory")
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
