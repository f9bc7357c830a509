import ECLMCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file of the client's.
typealias ClientFile = OpenFile<EdgeError>

extension EdgeError: SystemFailure {
    /// The operating system's last error, on the way to `action` the file at `path`.
    static func system(_ action: String, _ path: String) -> EdgeError { system(action, path, number: errno) }

    package static func system(_ action: String, _ path: String, number: Int32) -> EdgeError {
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
