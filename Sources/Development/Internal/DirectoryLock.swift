import Foundation

/// A lock on a data directory that ends with this process, however it ends.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// - Throws: ``DevelopmentError`` with `alreadyRunning` where another process has it.
    init(directory: String) throws(DevelopmentError) {
        let path = "\(directory)/dev.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw DevelopmentError(
                .unusableDirectory, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(
                in: .whitespacesAndNewlines)
            close(descriptor)
            throw DevelopmentError(
                .alreadyRunning,
                "another `registryctl dev`\(holder.map { " (process \($0))" } ?? "") uses \(directory)",
                hint: "stop it, or give this one another directory with --data")
        }
        ftruncate(descriptor, 0)
        let text = "\(getpid())\n"
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
    }

    deinit { close(descriptor) }
}
