import ECLMCore
import Foundation

/// A lock on a data directory that ends with this process, however it ends.
final class DirectoryLock: Sendable {
    private let file: OpenFile<DevelopmentError>

    /// - Throws: ``DevelopmentError`` with `alreadyRunning` where another process has it.
    init(directory: String) throws(DevelopmentError) {
        let path = "\(directory)/dev.lock"
        file = try OpenFile(path, O_RDWR | O_CREAT)
        guard try file.tryLock(exclusively: true) else {
            let holder = (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(
                in: .whitespacesAndNewlines)
            throw DevelopmentError(
                .alreadyRunning,
                "another `registryctl dev`\(holder.map { " (process \($0))" } ?? "") uses \(directory)",
                hint: "stop it, or give this one another directory with --data")
        }
        try file.truncate(to: 0)
        try Array("\(getpid())\n".utf8).withUnsafeBufferPointer { (bytes) throws(DevelopmentError) in
            try file.write(UnsafeRawBufferPointer(bytes), at: 0)
        }
    }
}

extension DevelopmentError: SystemFailure {
    package static func system(_ action: String, _ path: String, number: Int32) -> DevelopmentError {
        DevelopmentError(.unusableDirectory, "cannot \(action) \(path): \(String(cString: strerror(number)))")
    }
}
