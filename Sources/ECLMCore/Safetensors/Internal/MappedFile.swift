#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file's bytes mapped read-only into memory: pages are read when touched, and no copy is held. By hand: swift-system
/// maps no files.
///
/// A file that somebody shortens while it is mapped ends the process (SIGBUS). Blobs and checkpoints are replaced by
/// renaming, never rewritten, so that this does not happen to files that the project's own programs write.
///
/// `@unchecked Sendable`: the address and length never change after initialisation and the pages are never written, so
/// that threads only ever read.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(path: String, limit: Int) throws(SafetensorsError) {
        let file = try OpenFile<SafetensorsError>(path, O_RDONLY)
        var status = stat()
        guard withExtendedLifetime(file, { fstat(file.descriptor, &status) }) == 0 else {
            throw .system("examine", path, number: errno)
        }
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
        // The descriptor is the file's no longer than the file is held.
        let address = withExtendedLifetime(file) { mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0) }
        guard let address, address != MAP_FAILED else { throw .system("map", path, number: errno) }
        bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    deinit {
        if let address = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
        }
    }
}

extension SafetensorsError: SystemFailure {
    package static func system(_ action: String, _ path: String, number: Int32) -> SafetensorsError {
        SafetensorsError(.inputOutput, "cannot \(action) \(path): \(String(cString: strerror(number)))")
    }
}
