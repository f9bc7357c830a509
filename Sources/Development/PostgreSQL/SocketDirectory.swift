import ECLMCore
import Foundation

/// Where the server's Unix socket goes.
enum SocketDirectory {
    /// The longest path of a socket in bytes: `sun_path` has 108, with the NUL.
    static let maximumPath = 107
    private static let suffix = "/.s.PGSQL.\(EmbeddedPostgreSQL.port).lock"

    /// A directory that only the server's user may enter: in the data directory, or, where the path would be too long
    /// for a socket, under `$XDG_RUNTIME_DIR` or `/tmp` with a name that belongs to the data directory.
    static func make(
        for directory: String, account: ServerAccount,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(DevelopmentError) -> String {
        let path = path(for: directory, isRoot: account.name != nil, environment: environment)
        try account.makePrivateDirectory(path)
        return path
    }

    static func path(for directory: String, isRoot: Bool, environment: [String: String]) -> String {
        let own = directory + "/run"
        if fits(own) { return own }
        let name = "eclm-\(geteuid())-\(Digest.of(Array(directory.utf8)).short)"
        // Root's own runtime directory is closed to the user that the server runs as.
        if !isRoot, let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), fits("\(runtime)/\(name)") {
            return "\(runtime)/\(name)"
        }
        return "/tmp/\(name)"
    }

    private static func fits(_ path: String) -> Bool { path.utf8.count + suffix.utf8.count <= maximumPath }
}
