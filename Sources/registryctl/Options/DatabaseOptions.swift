import ArgumentParser
import CommandSupport
import Foundation
import Logging
import PostgreSQL
import Registry

/// Which database a command works on, and in whose name.
struct DatabaseOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The database, as a libpq connection string or URI; else $ECLM_DATABASE, else libpq's own defaults.",
            discussion: "Others see a command line: keep passwords in a password file (PGPASSFILE).",
            valueName: "conninfo"))
    var database: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Who acts, as the registry records it; else USER@HOST.", valueName: "name"))
    var actor: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The directory of a registry that keeps its blobs outside PostgreSQL; else $ECLM_BLOB_DIRECTORY.",
            valueName: "directory"))
    var blobDirectory: String?

    /// What libpq connects with; empty for its own defaults.
    var connectionString: String {
        database ?? Self.environment["ECLM_DATABASE"] ?? ""
    }

    /// Who acts and why.
    func provenance(reason: String = "") -> Provenance {
        Provenance(actor: actor ?? Self.userAtHost, reason: reason)
    }

    /// Runs `body` with the registry, and closes its connections.
    func withSession<R>(_ body: (RegistrySession) async throws -> R) async throws -> R {
        let configuration = PostgresConfiguration(connectionString: connectionString, applicationName: "registryctl")
        try configuration.validate()
        let logger = Logger(label: "registryctl")
        let pool = PostgresPool(configuration: configuration, logger: logger)
        let directory = blobDirectory ?? Self.environment["ECLM_BLOB_DIRECTORY"]
        let blobs = directory.map { BlobStore(pool: pool, directory: $0) } ?? BlobStore(pool: pool)
        let session = RegistrySession(
            registry: Registry(pool: pool, blobs: blobs, logger: logger), blobs: blobs, pool: pool, logger: logger)
        do {
            let result = try await body(session)
            await pool.shutdown()
            return result
        } catch {
            await pool.shutdown()
            throw error
        }
    }

    /// Runs `body` with one connection, for what must not go through a pool.
    func withConnection<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        var configuration = PostgresConfiguration(connectionString: connectionString, applicationName: "registryctl")
        configuration.statementCacheSize = 0
        let connection = try await PostgresConnection.connect(configuration)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    private static var environment: [String: String] {
        ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
    }

    private static var userAtHost: String {
        var buffer = [CChar](repeating: 0, count: 256)
        let host =
            gethostname(&buffer, buffer.count - 1) == 0
            ? String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "unknown"
        return "\(environment["USER"] ?? NSUserName())@\(host)"
    }
}

/// A registry that a command works on.
struct RegistrySession: Sendable {
    let registry: Registry
    let blobs: BlobStore
    let pool: PostgresPool
    let logger: Logger
}

/// A command that works on a registry: the shell around its work is the same for all.
protocol RegistryCommand: AsyncParsableCommand {
    var options: GlobalOptions { get }
    var database: DatabaseOptions { get }
    func run(on session: RegistrySession, output: CommandOutput) async throws
}

extension RegistryCommand {
    func run() async throws {
        try await runCommand(options) { output in
            try await database.withSession { try await run(on: $0, output: output) }
        }
    }
}
