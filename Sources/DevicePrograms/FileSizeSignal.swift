#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes a write beyond a file size limit (`ulimit -f`) an error to report, where the signal would end the process.
public func ignoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN) }
