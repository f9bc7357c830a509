import ECLMCore
import Dispatch
import Foundation

/// Runs calls that block, such as fsync, outside of Swift's own few threads.
enum BlockingFiles {
    private static let queue = DispatchQueue(label: "eclm.blob-files", attributes: .concurrent)

    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}

/// An open file of a ``DirectoryBlobStorage``. All calls block.
///
/// Positions are given with every call, so that the file has no state of its own.
final class BlobFile: Sendable {
    private let descriptor: Int32
    private let path: String

    /// Opens a file for reading; `nil` where there is none.
    convenience init?(opening path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure("open", path)
        }
        self.init(descriptor: descriptor, path: path)
    }

    /// Opens a file for writing, and makes it and its folder where they are not there.
    convenience init(creating path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let descriptor: Int32
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw RegistryError(
                .unavailable, "the blob directory \(folder) cannot be made: \(error.explanation)", cause: error)
        }
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Self.failure("create", path) }
        self.init(descriptor: descriptor, path: path)
        // The names themselves must be durable, too.
        try Self.synchronize(folder: folder)
        try Self.synchronize(folder: (folder as NSString).deletingLastPathComponent)
    }

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws {
        try bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = pwrite(
                    descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset) + off_t(done))
                if count < 0 {
                    if errno == EINTR { continue }
                    throw Self.failure("write", path)
                }
                done += count
            }
        }
    }

    /// Cuts the file at `length` and makes it durable.
    func finish(length: Int64) throws {
        guard ftruncate(descriptor, off_t(length)) == 0, fsync(descriptor) == 0 else {
            throw Self.failure("write", path)
        }
    }

    /// The bytes of a range, as far as the file has them.
    func read(_ range: Range<Int64>) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            while filled < range.count {
                let count = pread(
                    descriptor, buffer.baseAddress! + filled, range.count - filled,
                    off_t(range.lowerBound) + off_t(filled))
                if count < 0 {
                    if errno == EINTR { continue }
                    throw Self.failure("read", path)
                }
                if count == 0 { return }
                filled += count
            }
        }
    }

    static func failure(_ verb: String, _ path: String) -> RegistryError {
        let number = errno
        let reason = String(cString: strerror(number))
        if number == ENOSPC || number == EDQUOT {
            return RegistryError(
                .resourceExhausted, "the disk of the blob directory is full and nothing was stored; make room: \(path)")
        }
        return RegistryError(.unavailable, "cannot \(verb) the blob file \(path): \(reason)")
    }

    private static func synchronize(folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write", folder) }
    }
}
