import ECLMCore

#if canImport(Glibc)
    package import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the client does with directories and whole files.
package enum FileSystem {
    /// What a path names.
    struct Entry {
        var byteCount: Int64
        var isDirectory: Bool
        var modifiedSeconds: Int64
        private var device: UInt64
        private var node: UInt64

        init(_ status: stat) {
            byteCount = Int64(status.st_size)
            isDirectory = status.st_mode & S_IFMT == S_IFDIR
            #if canImport(Darwin)
                modifiedSeconds = Int64(status.st_mtimespec.tv_sec)
            #else
                modifiedSeconds = Int64(status.st_mtim.tv_sec)
            #endif
            device = UInt64(truncatingIfNeeded: status.st_dev)
            node = UInt64(truncatingIfNeeded: status.st_ino)
        }

        func isSameFile(as other: Entry) -> Bool { device == other.device && node == other.node }
    }

    static func entry(_ path: String) -> Entry? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Entry(status)
    }

    /// Whether a file is there and its permissions refuse that this process reads it, or writes it as well.
    static func isForbidden(_ path: String, writing: Bool) -> Bool {
        access(path, writing ? R_OK | W_OK : R_OK) != 0 && errno == EACCES
    }

    /// Creates a directory and those above it; existing ones are left as they are.
    package static func createDirectory(_ path: String, mode: mode_t = 0o755) throws(EdgeError) {
        if entry(path)?.isDirectory == true { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try createDirectory(String(path[..<slash]), mode: mode)
        }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw EdgeError.system("create", path) }
    }

    /// The names in a directory, sorted; empty when it does not exist.
    package static func names(in path: String) throws(EdgeError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw EdgeError.system("list", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// A whole small file.
    package static func contents(of path: String, limit: Int64) throws(EdgeError) -> [UInt8] {
        let file = try ClientFile(path, O_RDONLY)
        let size = try file.byteCount()
        guard size <= limit else {
            throw EdgeError(.invalidState, "\(path) has \(size) bytes; at most \(limit) are read")
        }
        var bytes: [UInt8] = []
        try file.readAll(upTo: size) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Replaces a file in one step: whoever opens it sees the old bytes or the new ones.
    package static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(EdgeError) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).new"
        do throws(EdgeError) {
            let file = try ClientFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            try bytes.withUnsafeBufferPointer { (buffer) throws(EdgeError) in
                try file.write(UnsafeRawBufferPointer(buffer), at: 0)
            }
            try file.synchronize()
            try rename(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Gives a file another name and makes that durable.
    static func rename(_ old: String, to new: String) throws(EdgeError) {
        try ClientFile.rename(old, to: new)
        try ClientFile.synchronizeFolder(of: new)
    }

    /// Removes a file; one that is not there is fine.
    package static func remove(_ path: String) throws(EdgeError) {
        guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else { throw EdgeError.system("remove", path) }
    }

    /// The bytes an unprivileged process may still write where `path` lies; `nil` when the system does not tell.
    static func freeBytes(at path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (bytes, overflow) = Int64(status.f_bavail).multipliedReportingOverflow(by: Int64(status.f_frsize))
        return overflow ? nil : bytes
    }

    /// Links `path` under another name, or copies it where the file system cannot link.
    package static func linkOrCopy(_ path: String, to other: String) throws(EdgeError) {
        if link(path, other) == 0 { return }
        guard [EXDEV, EPERM, EMLINK, ENOTSUP].contains(errno) else { throw EdgeError.system("link", other) }
        let source = try ClientFile(path, O_RDONLY)
        let copy = try ClientFile(other, O_WRONLY | O_CREAT | O_EXCL, mode: 0o444)
        var position: Int64 = 0
        var failure: EdgeError?
        try source.readAll(upTo: source.byteCount()) { piece in
            guard failure == nil else { return }
            do throws(EdgeError) { try copy.write(piece, at: position) } catch { failure = error }
            position += Int64(piece.count)
        }
        if let failure { throw failure }
        try copy.synchronize()
    }

    /// The path without `.`, `..` and links where it exists; an absolute path else.
    static func absolute(_ path: String) -> String {
        if let resolved = realpath(path, nil) {
            defer { free(resolved) }
            return String(cString: resolved)
        }
        if path.hasPrefix("/") { return path }
        guard let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        return String(cString: current) + "/" + path
    }
}

extension FileSystem {
    /// Seconds since 1970, by the clock that stamps files.
    static var now: Int64 { Int64(time(nil)) }
}
