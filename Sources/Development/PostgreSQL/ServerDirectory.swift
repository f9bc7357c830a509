import Foundation

/// The server's data directory: made once, whole or not at all, and used by one server at a time.
struct ServerDirectory: Sendable {
    let directory: String
    let account: ServerAccount
    let binaries: ServerBinaries

    var path: String { directory + "/postgresql" }

    /// What PostgreSQL's programs see of the environment: nothing that redirects them.
    static var environment: [String: String] {
        ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"]
    }

    /// Makes the data directory where there is none, and makes sure that no server uses it.
    func prepare(isStopping: () -> Bool, line: @escaping @Sendable (String) -> Void) async throws {
        try await checkReachable(isStopping: isStopping)
        if let version = try? String(contentsOfFile: path + "/PG_VERSION", encoding: .utf8) {
            let made = version.trimmingCharacters(in: .whitespacesAndNewlines)
            guard made == String(binaries.majorVersion) else {
                throw DevelopmentError(
                    .unusableDirectory,
                    "\(path) was made by PostgreSQL \(made), but \(binaries.directory) has \(binaries.majorVersion)",
                    hint: "name the folder of PostgreSQL \(made) in PG_BINDIR, or use another --data")
            }
            try await settleFormerServer(isStopping: isStopping, line: line)
        } else {
            try await initialize(isStopping: isStopping, line: line)
        }
    }

    private func initialize(isStopping: () -> Bool, line: @escaping @Sendable (String) -> Void) async throws {
        let fresh = path + ".new"
        if FileManager.default.fileExists(atPath: path) {
            throw DevelopmentError(
                .unusableDirectory, "\(path) exists and is not a data directory of PostgreSQL",
                hint: "move it away, or use another --data")
        }
        // What an interrupted start left behind.
        try? FileManager.default.removeItem(atPath: fresh)
        try account.makePrivateDirectory(fresh)
        line("making a data directory in \(path)")
        let initdb = try ChildProcess(
            name: "initdb",
            command: account.command([
                binaries.path("initdb"), "-D", fresh, "-U", EmbeddedPostgreSQL.superuser, "--auth=trust",
                "--encoding=UTF8", "--locale=C", "--no-instructions",
            ]), environment: Self.environment, directory: "/", line: { _ in })
        guard let ending = try await end(of: initdb, isStopping: isStopping), ending == .exited(0) else {
            throw DevelopmentError(
                .startFailed, "initdb failed: \(initdb.lastLines.suffix(3).joined(separator: "; "))")
        }
        guard rename(fresh, path) == 0 else {
            throw DevelopmentError(
                .unusableDirectory, "\(fresh) cannot be renamed: \(String(cString: strerror(errno)))")
        }
    }

    /// The user that the server runs as must reach the directory through all the ones above.
    private func checkReachable(isStopping: () -> Bool) async throws {
        guard let name = account.name else { return }
        let probe = try ChildProcess(
            name: "sh", command: account.command(["/bin/sh", "-c", "cd \"$1\"", "sh", directory]),
            environment: Self.environment, directory: "/", line: nil)
        guard try await end(of: probe, isStopping: isStopping) == .exited(0) else {
            throw DevelopmentError(
                .unusableDirectory,
                "PostgreSQL runs as \(name) here, since it refuses root, and \(name) cannot enter \(directory)",
                hint: "use a directory that others may enter, such as --data /var/tmp/eclm-dev, or run as another user")
        }
    }

    private func end(of process: ChildProcess, isStopping: () -> Bool) async throws -> ChildProcess.Ending? {
        while true {
            if let ending = await process.waitForEnd(timeout: .milliseconds(100)) { return ending }
            if isStopping() {
                process.send(SIGKILL)
                throw CancellationError()
            }
        }
    }

    /// Waits for the server of a former start that is still shutting down; removes the mark of one that is long gone.
    ///
    /// PostgreSQL itself goes by the process number alone, and in a container the same number is soon another's.
    private func settleFormerServer(isStopping: () -> Bool, line: @Sendable (String) -> Void) async throws {
        let mark = path + "/postmaster.pid"
        let deadline = ContinuousClock.now + .seconds(20)
        while let text = try? String(contentsOfFile: mark, encoding: .utf8) {
            let number = text.split(separator: "\n").first.flatMap { pid_t($0.trimmingCharacters(in: .whitespaces)) }
            guard let number, isServer(number) else {
                line("removing \(mark), left by a server that is gone")
                unlink(mark)
                return
            }
            guard ContinuousClock.now < deadline else {
                throw DevelopmentError(
                    .alreadyRunning, "a PostgreSQL server (process \(number)) uses \(path)",
                    hint: "stop it with kill -INT \(number)")
            }
            if isStopping() { throw CancellationError() }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Whether a process is a server that works in this directory; a postmaster makes its data directory its own.
    private func isServer(_ processID: pid_t) -> Bool {
        guard processID > 0, kill(processID, 0) == 0 || errno == EPERM else { return false }
        guard let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(processID)/cwd") else {
            // Without /proc, or with somebody else's process: better wait than break a running server.
            return !FileManager.default.fileExists(atPath: "/proc/self/cwd")
                || (try? String(contentsOfFile: "/proc/\(processID)/comm", encoding: .utf8))?.hasPrefix("postgres")
                    == true
        }
        return place == URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
}
