import SystemPackage

#if canImport(Glibc)
    package import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An open file, closed with its owner; every failure says which file, as an error of the layer that opened it.
///
/// swift-system opens, reads, writes and cuts. What makes a file last and keeps others out, it does not have: fsync of
/// files and folders, flock, and rename stand here by hand, once. Every call that moves bytes says where, so that the
/// file has no position of its own and several tasks may read it. All calls block.
package final class OpenFile<Failure: SystemFailure>: Sendable {
    package let path: String
    private let file: FileDescriptor

    /// Opens or creates a file.
    ///
    /// - Parameters:
    ///   - flags: As open(2) takes them; it is closed in programs that are started.
    ///   - mode: The rights of a file that is created.
    package init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(Failure) {
        self.path = path
        do {
            file = try FileDescriptor.open(
                FilePath(path), .init(rawValue: flags & O_ACCMODE),
                options: [.init(rawValue: flags & ~O_ACCMODE), .closeOnExec], permissions: .init(rawValue: mode))
        } catch {
            throw Self.failure("open", path, error)
        }
    }

    deinit { try? file.close() }

    /// The system's number of the open file, for calls that are not here; hold the file while such a call goes on.
    package var descriptor: Int32 { file.rawValue }

    /// The file's length in bytes.
    package func byteCount() throws(Failure) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("examine", path, number: errno) }
        return Int64(status.st_size)
    }

    /// Writes all bytes at an offset.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        do {
            _ = try file.writeAll(toAbsoluteOffset: offset, bytes)
        } catch {
            throw Self.failure("write", path, error)
        }
    }

    /// Reads the file from the start and hands it to `body` piece by piece.
    package func readAll(upTo end: Int64, _ body: (UnsafeRawBufferPointer) -> Void) throws(Failure) {
        let size = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        var position: Int64 = 0
        while position < end {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(size, Int(clamping: end - position))])
            let count = try read(into: piece, at: position)
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
            position += Int64(count)
        }
    }

    /// The bytes of a range, as far as the file has them.
    package func read(_ range: Range<Int64>) throws(Failure) -> [UInt8] {
        var failure: Failure?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            do throws(Failure) {
                while filled < range.count {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                    let count = try read(into: rest, at: range.lowerBound + Int64(filled))
                    if count == 0 { return }
                    filled += count
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) -> Int {
        do {
            return try file.read(fromAbsoluteOffset: offset, into: buffer)
        } catch {
            throw Self.failure("read", path, error)
        }
    }

    /// Cuts the file to a length.
    package func truncate(to byteCount: Int64) throws(Failure) {
        do {
            try file.resize(to: byteCount)
        } catch {
            throw Self.failure("shorten", path, error)
        }
    }

    /// Waits until the bytes are on the disk.
    package func synchronize() throws(Failure) {
        guard fsync(descriptor) == 0 else { throw .system("flush", path, number: errno) }
    }

    /// Tries to lock the whole file against other holders, in this process and others.
    ///
    /// - Returns: `false` when somebody else holds it.
    package func tryLock(exclusively: Bool) throws(Failure) -> Bool {
        while flock(descriptor, (exclusively ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { return false }
            throw .system("lock", path, number: errno)
        }
        return true
    }

    /// Whether the path still names this file, and not another one made since.
    package func isStillAtPath() -> Bool {
        var mine = stat()
        var named = stat()
        return fstat(descriptor, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino
            && mine.st_dev == named.st_dev
    }

    private static func failure(_ action: String, _ path: String, _ error: any Error) -> Failure {
        .system(action, path, number: (error as? Errno)?.rawValue ?? EIO)
    }
}

extension OpenFile {
    /// Gives a file another name; ``synchronizeFolder(of:)`` makes that durable.
    package static func rename(_ old: String, to new: String) throws(Failure) {
        guard systemRename(old, new) == 0 else { throw .system("rename", old, number: errno) }
    }

    /// Makes the names in the folder of a file durable: those given, and those taken away.
    package static func synchronizeFolder(of path: String) throws(Failure) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try OpenFile(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY).synchronize()
    }
}

/// rename(2), which ``OpenFile/rename(_:to:)`` hides by its name.
private func systemRename(_ old: String, _ new: String) -> Int32 { rename(old, new) }
