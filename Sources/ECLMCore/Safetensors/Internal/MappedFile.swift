#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file's bytes mapped read-only into memory: pages are read when touched, and no copy is held.
///
/// A file that somebody shortens while it is mapped ends the process (SIGBUS). Blobs and checkpoints are replaced by
/// renaming, never rewritten, so that this does not happen to files that the project's own programs write.
///
/// `@unchecked Sendable`: the address and length never change after initialisation and the pages are never written, so
/// that threads only ever read.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(path: String, limit: Int) throws(SafetensorsError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SafetensorsError.system("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SafetensorsError.system("examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SafetensorsError(.inputOutput, "\(path) is no regular file")
        }
        guard status.st_size <= limit else {
            throw SafetensorsError(.limitExceeded, "the file has \(status.st_size) bytes, the limit is \(limit)")
        }
        let count = Int(status.st_size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw SafetensorsError.system("map", path)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    deinit {
        if let address = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
        }
    }
}

extension SafetensorsError {
    /// The operating system's last error, on the way to `action` the file at `path`.
    static func system(_ action: String, _ path: String) -> SafetensorsError {
        let number = errno
        return SafetensorsError(.inputOutput, "cannot \(action) \(path): \(String(cString: strerror(number)))")
    }
}
