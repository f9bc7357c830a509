#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A program in the folder of the one that runs. Neither `PATH` nor the working directory has a say in which it is.
struct SiblingProgram {
    /// Why a program did not take over.
    enum Failure {
        case isMissing
        case cannotRun(String)
    }

    let path: String

    /// A program by its name; `nil` where the system does not tell where the running program lies.
    init?(_ name: String) {
        // Symbolic links are followed: a link to edgectl need not have one to the other program beside it.
        guard let executable = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(executable) }
        let path = String(cString: executable)
        guard let slash = path.lastIndex(of: "/") else { return nil }
        self.path = path[...slash] + name
    }

    /// Goes on as that program, in this process: its number, descriptors and environment stay.
    ///
    /// - Returns: Only when that failed, and why.
    func replaceThisProcess(arguments: [String]) -> Failure {
        var pointers = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        execv(path, &pointers)
        return errno == ENOENT ? .isMissing : .cannotRun(String(cString: strerror(errno)))
    }
}
