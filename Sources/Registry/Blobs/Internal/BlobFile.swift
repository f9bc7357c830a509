import Dispatch
import ECLMCore
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
struct BlobFile: Sendable {
    private let file: OpenFile<RegistryError>

    /// Opens a file for reading; `nil` where there is none.
    init?(opening path: String) throws {
        do throws(RegistryError) {
            file = try OpenFile(path, O_RDONLY)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// Opens a file for writing, and makes it and its folder where they are not there.
    init(creating path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw RegistryError(
                .unavailable, "the blob directory \(folder) cannot be made: \(error.explanation)", cause: error)
        }
        file = try OpenFile(path, O_RDWR | O_CREAT, mode: 0o640)
        // The names themselves must be durable, too.
        try OpenFile<RegistryError>.synchronizeFolder(of: path)
        try OpenFile<RegistryError>.synchronizeFolder(of: folder)
    }

    func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    /// Cuts the file at `length` and makes it durable.
    func finish(length: Int64) throws {
        try file.truncate(to: length)
        try file.synchronize()
    }

    /// The bytes of a range, as far as the file has them.
    func read(_ range: Range<Int64>) throws -> [UInt8] { try file.read(range) }
}

extension RegistryError: SystemFailure {
    /// What the operating system refused to do with a file of the blob directory.
    package static func system(_ action: String, _ path: String, number: Int32) -> RegistryError {
        let reason = String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT:
            return RegistryError(
                .resourceExhausted, "the disk of the blob directory is full and nothing was stored; make room: \(path)")
        case EFBIG:
            return RegistryError(
                .resourceExhausted,
                "the blob directory's limit on the size of a file is reached and nothing was stored; raise it: \(path)")
        case ENOENT: return RegistryError(.notFound, "cannot \(action) the blob file \(path): \(reason)")
        default: return RegistryError(.unavailable, "cannot \(action) the blob file \(path): \(reason)")
        }
    }
}
