import ECLMCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A lock that holds between processes and between tasks of one, and that the system lifts when its holder dies.
package enum FileLock {
    /// Runs `body` while holding the lock file at `path`, which is created when missing.
    ///
    /// Waiting takes no thread: a waiter looks again after a while.
    /// - Parameters:
    ///   - removesFile: Whether to remove the lock file afterwards; for locks of which there would be ever more.
    /// - Throws: What `body` throws; ``EdgeError`` when the lock cannot be taken.
    package static func withLock<Result>(
        _ path: String, exclusively: Bool = true, removesFile: Bool = false,
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async throws -> Result {
        let file = try await acquire(path, exclusively: exclusively)
        defer {
            // Removed while held: a waiter that gets the old file's lock sees that the path names another file.
            if removesFile { unlink(path) }
            withExtendedLifetime(file) {}
        }
        return try await body()
    }

    /// Whether somebody holds the lock file at `path` now.
    static func isHeld(_ path: String) -> Bool {
        guard let file = try? ClientFile(path, O_RDWR) else { return false }
        return (try? file.tryLock(exclusively: true)) == false
    }

    private static func acquire(
        _ path: String, exclusively: Bool, isolation: isolated (any Actor)? = #isolation
    ) async throws -> ClientFile {
        let backoff = Backoff(first: .milliseconds(5), longest: .milliseconds(200))
        var failures = 0
        while true {
            let file = try ClientFile(path, O_RDWR | O_CREAT)
            if try file.tryLock(exclusively: exclusively), file.isStillAtPath() { return file }
            failures += 1
            do {
                try await Task.sleep(for: backoff.pause(afterFailures: failures))
            } catch {
                throw EdgeError(.cancelled, "waiting for \(path) was given up", cause: error)
            }
        }
    }
}
