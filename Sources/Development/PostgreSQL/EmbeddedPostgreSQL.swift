import ECLMCore
import Foundation
import Logging
import PostgreSQL

/// A private PostgreSQL server in a directory: reached over a Unix socket that only this user may open, without a
/// password, and kept for the next start.
///
/// Runs as root too: the server's programs then run as `postgres` or `nobody`. The server ends with ``stop(immediately:)``,
/// and also when this process dies.
public final class EmbeddedPostgreSQL: Sendable {
    /// The superuser's name.
    public static let superuser = "postgres"
    /// Part of the socket's name; there is no TCP port.
    public static let port = 5432

    /// Where the socket is: what connects names it as `host`.
    public let socketDirectory: String
    /// The server's programs.
    public let binaries: ServerBinaries
    /// The postmaster.
    let process: ChildProcess
    let watchdog: Watchdog

    private init(
        socketDirectory: String, binaries: ServerBinaries, process: ChildProcess, watchdog: Watchdog
    ) {
        self.socketDirectory = socketDirectory
        self.binaries = binaries
        self.process = process
        self.watchdog = watchdog
    }

    /// What connects to a database of the server.
    public func connectionString(user: String = superuser, database: String) -> String {
        "host=\(Self.quoted(socketDirectory)) port=\(Self.port) user=\(Self.quoted(user)) dbname=\(Self.quoted(database))"
    }

    private static func quoted(_ value: String) -> String {
        guard value.contains(where: { !($0.isLetter || $0.isNumber || "/._-".contains($0)) }) else { return value }
        return "'\(value.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }

    /// Starts the server, after making its data directory where there is none, and waits until it takes connections.
    ///
    /// - Parameters:
    ///   - directory: An absolute path; the server's data goes to `postgresql` in it.
    ///   - isStopping: Asked again and again while waiting; the start is given up when it says yes.
    ///   - line: Gets what the server logs.
    /// - Throws: ``DevelopmentError``.
    public static func start(
        directory: String, binaries: ServerBinaries, isStopping: @escaping @Sendable () -> Bool = { false },
        line: @escaping @Sendable (String) -> Void
    ) async throws -> EmbeddedPostgreSQL {
        let account = try ServerAccount()
        let cluster = ServerDirectory(directory: directory, account: account, binaries: binaries)
        try await cluster.prepare(isStopping: isStopping, line: line)
        let sockets = try SocketDirectory.make(for: directory, account: account)
        let watchdog = try Watchdog()
        let process = try ChildProcess(
            name: "postgres",
            command: account.command([
                binaries.path("postgres"), "-D", cluster.path, "-k", sockets, "-p", "\(port)",
                "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "max_connections=100",
                "-c", "log_line_prefix=%p ", "-c", "logging_collector=off", "-c", "log_destination=stderr",
            ]),
            environment: ServerDirectory.environment, directory: "/", line: line)
        watchdog.watch(process.processID, first: "INT", last: "QUIT")
        let server = EmbeddedPostgreSQL(
            socketDirectory: sockets, binaries: binaries, process: process, watchdog: watchdog)
        do {
            try await server.waitUntilReady(isStopping: isStopping)
        } catch {
            await server.stop(immediately: true)
            throw error
        }
        return server
    }

    private func waitUntilReady(isStopping: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var configuration = PostgresConfiguration(
            connectionString: connectionString(database: "postgres"), applicationName: "registryctl dev")
        configuration.connectTimeout = .seconds(5)
        while true {
            if let ending = process.ending {
                throw DevelopmentError(
                    .startFailed, "PostgreSQL \(ending): \(process.lastLines.suffix(3).joined(separator: "; "))")
            }
            if isStopping() { throw CancellationError() }
            do {
                try await PostgresConnection.connect(configuration).close()
                return
            } catch {
                guard ContinuousClock.now < deadline else {
                    throw DevelopmentError(
                        .startFailed, "PostgreSQL takes no connection after 60 s: \(error.explanation)", cause: error)
                }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Whether the server still runs.
    public var isRunning: Bool { process.ending == nil }

    /// Stops the server: a fast shutdown, which ends its connections and leaves the data clean; after 30 s, or
    /// `immediately`, without a last checkpoint.
    public func stop(immediately: Bool = false) async {
        process.send(immediately ? SIGQUIT : SIGINT)
        if await process.waitForEnd(timeout: .seconds(30)) == nil {
            process.send(SIGQUIT)
            if await process.waitForEnd(timeout: .seconds(5)) == nil { process.send(SIGKILL) }
        }
        _ = await process.waitForEnd(timeout: .seconds(5))
        watchdog.unwatch(process.processID)
        // Only an empty one: it is made again at the next start.
        rmdir(socketDirectory)
    }
}
