#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files that are there whole or not at all, whenever the power fails.
enum DurableFile {
    /// Writes a file: beside it under another name, synced, and only then in its place.
    ///
    /// - Throws: ``LearningError`` with `checkpoint`, naming the path and the operating system's reason. The file that was
    ///   there before is then still there.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let partial = path + ".partial"
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("create", partial) }
        do {
            defer { close(descriptor) }
            var written = 0
            while written < bytes.count {
                let count = bytes[written...].withUnsafeBytes { Self.writeSome(descriptor, $0) }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw failure("write", partial) }
                written += count
            }
            guard fsync(descriptor) == 0 else { throw failure("sync", partial) }
        } catch {
            unlink(partial)
            throw error
        }
        guard rename(partial, path) == 0 else { throw failure("put in place", path) }
        // The rename itself is only durable with its folder.
        let folder = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private static func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ what: String, _ path: String) -> LearningError {
        LearningError(.checkpoint, "cannot \(what) \(path): \(String(cString: strerror(errno)))")
    }
}
