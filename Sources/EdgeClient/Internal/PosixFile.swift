import ECLMCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An open file descriptor, closed with its owner; every failure says which file and what to do.
///
/// A class so that the descriptor is closed exactly once. It is used by one task at a time.
final class PosixFile {
    let descriptor: Int32
    let path: String

    /// Opens or creates a file.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(EdgeError) {
        let descriptor = open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw EdgeError.system("open", path) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// The file's length in bytes.
    func byteCount() throws(EdgeError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw EdgeError.system("examine", path) }
        return Int64(status.st_size)
    }

    /// Writes all bytes at an offset.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EdgeError) {
        var rest = bytes[...]
        var position = offset
        while !rest.isEmpty {
            let count = pwrite(
                descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, off_t(position))
            if count < 0 {
                if errno == EINTR { continue }
                throw EdgeError.system("write", path)
            }
            rest = rest.dropFirst(count)
            position += Int64(count)
        }
    }

    /// Reads the file from the start and hands it to `body` piece by piece.
    func readAll(upTo end: Int64, _ body: (UnsafeRawBufferPointer) -> Void) throws(EdgeError) {
        let size = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        var position: Int64 = 0
        while position < end {
            let count = pread(descriptor, buffer.baseAddress, min(size, Int(end - position)), off_t(position))
            if count < 0 {
                if errno == EINTR { continue }
                throw EdgeError.system("read", path)
            }
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            position += Int64(count)
        }
    }

    /// Cuts the file to a length.
    func truncate(to byteCount: Int64) throws(EdgeError) {
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw EdgeError.system("shorten", path) }
    }

    /// Waits until the bytes are on the disk.
    func synchronize() throws(EdgeError) {
        guard fsync(descriptor) == 0 else { throw EdgeError.system("flush", path) }
    }

    /// Tries to lock the whole file against other holders, in this process and others.
    ///
    /// - Returns: `false` when somebody else holds it.
    func tryLock(exclusively: Bool) throws(EdgeError) -> Bool {
        while flock(descriptor, (exclusively ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { return false }
            throw EdgeError.system("lock", path)
        }
        return true
    }

    /// Whether the path still names this file, and not another one made since.
    func isStillAtPath() -> Bool {
        var mine = stat()
        var named = stat()
        return fstat(descriptor, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino
            && mine.st_dev == named.st_dev
    }
}

extension EdgeError {
    /// The operating system's last error, on the way to `action` the file at `path`.
    static func system(_ action: String, _ path: String) -> EdgeError {
        let number = errno
        let reason = String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT, EFBIG:
            return EdgeError(
                .storageFull,
                "cannot \(action) \(path): \(reason); free some space (edgectl cache prune) and try again: what has "
                    + "arrived is kept")
        case ENOENT:
            return EdgeError(.notFound, "cannot \(action) \(path): \(reason)")
        default:
            return EdgeError(.inputOutput, "cannot \(action) \(path): \(reason)")
        }
    }
}
