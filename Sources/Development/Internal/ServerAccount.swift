import Foundation

/// Who runs PostgreSQL's programs: this user, or, since they refuse to run as root, `postgres` or `nobody`.
struct ServerAccount: Sendable {
    /// The other user to become; `nil` for this one.
    let name: String?
    private let user: uid_t
    private let group: gid_t
    /// What comes before a command to run it as that user.
    private let prefix: [String]

    init() throws(DevelopmentError) {
        guard geteuid() == 0 else {
            (name, user, group, prefix) = (nil, geteuid(), getegid(), [])
            return
        }
        guard let (name, user, group) = ["postgres", "nobody"].lazy.compactMap(Self.find).first else {
            throw DevelopmentError(
                .missingProgram, "PostgreSQL refuses to run as root, and there is no user postgres or nobody",
                hint: "run as another user")
        }
        (self.name, self.user, self.group) = (name, user, group)
        if let setpriv = Self.program("setpriv") {
            prefix = [setpriv, "--reuid=\(user)", "--regid=\(group)", "--clear-groups", "--"]
        } else if let runuser = Self.program("runuser") {
            prefix = [runuser, "-u", name, "--"]
        } else {
            throw DevelopmentError(
                .missingProgram, "PostgreSQL refuses to run as root, and there is neither setpriv nor runuser",
                hint: "install util-linux, or run as another user")
        }
    }

    /// The command as that user runs it.
    func command(_ command: [String]) -> [String] { prefix + command }

    /// Makes a directory that belongs to the user and that nobody else may enter; one that exists must be like that.
    func makePrivateDirectory(_ path: String) throws(DevelopmentError) {
        func failed(_ what: String) -> DevelopmentError {
            DevelopmentError(.unusableDirectory, "\(path) cannot be \(what): \(String(cString: strerror(errno)))")
        }
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw failed("made") }
        var status = stat()
        guard lstat(path, &status) == 0 else { throw failed("looked at") }
        // In a folder that others may write, the name may be taken by somebody's link.
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == user || status.st_uid == geteuid() else {
            throw DevelopmentError(.unusableDirectory, "\(path) is not a directory of this user")
        }
        if status.st_uid != user, chown(path, user, group) != 0 { throw failed("given to \(name ?? "its user")") }
        if chmod(path, 0o700) != 0 { throw failed("made private") }
    }

    private static func find(_ name: String) -> (String, uid_t, gid_t)? {
        guard let entry = getpwnam(name) else { return nil }
        return (name, entry.pointee.pw_uid, entry.pointee.pw_gid)
    }

    private static func program(_ name: String) -> String? {
        ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"].map { $0 + name }.first { access($0, X_OK) == 0 }
    }
}
