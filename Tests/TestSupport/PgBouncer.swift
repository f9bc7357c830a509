import Foundation
import PostgreSQL

/// A PgBouncer before the cluster, as operators put one there.
public struct PgBouncer: Sendable {
    /// How it lends sessions: its `pool_mode`.
    public enum Mode: String, Sendable, CaseIterable {
        case session, transaction
    }

    /// Where it listens: a folder with its socket.
    private let folder: URL
    private static let port = 6432
    private static let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Whether it is installed.
    public static let isAvailable = program != nil
    /// What a skipped test says.
    public static let requirement = "needs pgbouncer, which `make deps` installs"

    /// What connects to a database of the cluster through it.
    public func connectionString(to database: TestDatabase, as role: TestRole = .superuser) -> String {
        connectionString(to: database, user: role.login)
    }

    /// What connects to a database of the cluster through it, as a login of that name.
    public func connectionString(to database: TestDatabase, user: String?) -> String {
        TestCluster.connectionString(database: database.name, user: user, host: folder.path, port: "\(Self.port)")
    }

    /// Runs `body` with a PgBouncer of its own.
    ///
    /// - Parameters:
    ///   - sessions: How many sessions of the server it has for each login and database.
    ///   - logins: Logins that may come besides those of the test roles.
    /// - Throws: ``PgBouncerError`` where it does not start; what `body` throws.
    public static func with<R>(
        _ mode: Mode, sessions: Int = 4, logins: [String] = [], _ body: (PgBouncer) async throws -> R
    ) async throws -> R {
        guard let program else { throw PgBouncerError(description: requirement) }
        // Sockets' paths are short.
        let folder = URL(fileURLWithPath: "/tmp/eclm-pgb-\(UUID().uuidString.prefix(8).lowercased())")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
        // What the system's mask left out: it may run as another user.
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = TestRole.allCases.map { $0.login ?? TestCluster.superuser } + logins
        try Data(names.map { "\"\($0)\" \"\"\n" }.joined().utf8).write(to: folder.appendingPathComponent("users"))
        let file = folder.appendingPathComponent("pgbouncer.ini")
        try Data(
            """
            [databases]
            * = host=\(TestCluster.host) port=\(TestCluster.port)
            [pgbouncer]
            listen_addr =
            listen_port = \(port)
            unix_socket_dir = \(folder.path)
            auth_type = trust
            auth_file = \(folder.path)/users
            pool_mode = \(mode.rawValue)
            default_pool_size = \(sessions)
            logfile =

            """.utf8
        ).write(to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["-q"] + (geteuid() == 0 ? ["-u", "postgres"] : []) + [file.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bouncer = PgBouncer(folder: folder)
        do {
            try await bouncer.waitUntilUp(process)
            let result = try await body(bouncer)
            await stop(process)
            return result
        } catch {
            await stop(process)
            throw error
        }
    }

    private func waitUntilUp(_ process: Process) async throws {
        let socket = folder.appendingPathComponent(".s.PGSQL.\(Self.port)").path
        for _ in 0..<500 {
            if FileManager.default.fileExists(atPath: socket) { return }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw PgBouncerError(description: "pgbouncer did not start")
    }

    private static func stop(_ process: Process) async {
        // SIGTERM: at once, whoever is connected.
        process.terminate()
        for _ in 0..<250 where process.isRunning { try? await Task.sleep(for: .milliseconds(20)) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
}

/// There is no PgBouncer.
public struct PgBouncerError: Error, CustomStringConvertible {
    public let description: String
}
