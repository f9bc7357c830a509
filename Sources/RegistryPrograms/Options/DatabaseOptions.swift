public import ArgumentParser
public import CommandSupport
import Foundation
public import Logging
public import PostgreSQL
public import Registry

/// Which database a command works on, and in whose name.
public struct DatabaseOptions: ParsableArguments {
    /// What libpq connects with.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The database, as a libpq connection string or URI; else $ECLM_DATABASE, else libpq's own defaults.",
            discussion: "Others see a command line: keep passwords in a password file (PGPASSFILE).",
            valueName: "conninfo"))
    public var database: String?

    /// How a pooler before the database lends its sessions.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "How a pooler before the database lends its sessions: session, transaction, or auto to find out; else $ECLM_POOLER_MODE, else auto.",
            valueName: "mode"))
    public var poolerMode: PostgresPoolerMode?

    /// Who acts.
    @Option(
        name: .long,
        help: ArgumentHelp("Who acts, as the registry records it; else USER@HOST.", valueName: "name"))
    public var actor: String?

    /// Where blobs lie outside PostgreSQL.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The directory of a registry that keeps its blobs outside PostgreSQL; else $ECLM_BLOB_DIRECTORY.",
            valueName: "directory"))
    public var blobDirectory: String?

    /// The options at their defaults.
    public init() {}

    /// What libpq connects with; empty for its own defaults.
    public var connectionString: String {
        database ?? Self.environment["ECLM_DATABASE"] ?? ""
    }

    /// Who acts and why.
    public func provenance(reason: String = "") -> Provenance {
        Provenance(actor: actor ?? Self.userAtHost, reason: reason)
    }

    /// Runs `body` with the registry, and closes its connections.
    ///
    /// - Throws: `PostgresError` for a connection string that is none, `RegistryError` where there is no connection; what `body`
    ///   throws.
    public func withSession<R>(
        isolation: isolated (any Actor)? = #isolation, _ body: (RegistrySession) async throws -> R
    ) async throws -> R {
        let configuration = try configuration()
        try configuration.validate()
        let logger = Logger(label: Self.program)
        do {
            return try await PostgresPool.withPool(configuration, logger: logger) { pool in
                let blobs = BlobStore(
                    pool: pool, directory: blobDirectory ?? Self.environment["ECLM_BLOB_DIRECTORY"])
                return try await body(
                    RegistrySession(
                        registry: Registry(pool: pool, blobs: blobs, logger: logger), blobs: blobs, pool: pool,
                        logger: logger))
            }
        } catch {
            throw error.withRegistryMeaning
        }
    }

    /// Runs `body` with one connection, for what must not go through a pool.
    ///
    /// - Throws: `RegistryError` where there is no connection; what `body` throws.
    public func withConnection<R>(
        isolation: isolated (any Actor)? = #isolation, _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        var configuration = try configuration()
        configuration.statementCacheSize = 0
        let connection: PostgresConnection
        do {
            connection = try await PostgresConnection.connect(configuration)
        } catch {
            throw error.withRegistryMeaning
        }
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error.withRegistryMeaning
        }
    }

    private func configuration() throws -> PostgresConfiguration {
        var configuration = PostgresConfiguration(connectionString: connectionString, applicationName: Self.program)
        if let poolerMode {
            configuration.poolerMode = poolerMode
        } else if let name = Self.environment["ECLM_POOLER_MODE"] {
            guard let mode = PostgresPoolerMode(rawValue: name) else {
                throw ValidationError(
                    "ECLM_POOLER_MODE is \(name.debugDescription); it must be "
                        + PostgresPoolerMode.allCases.map(\.rawValue).joined(separator: ", "))
            }
            configuration.poolerMode = mode
        }
        return configuration
    }

    private static var environment: [String: String] {
        ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
    }

    /// The program's name, as the database's operator sees it.
    private static var program: String {
        CommandLine.arguments.first.map { URL(fileURLWithPath: $0).lastPathComponent } ?? "eclm"
    }

    private static var userAtHost: String {
        var buffer = [CChar](repeating: 0, count: 256)
        let host =
            gethostname(&buffer, buffer.count - 1) == 0
            ? String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "unknown"
        return "\(environment["USER"] ?? NSUserName())@\(host)"
    }
}

extension PostgresPoolerMode: ExpressibleByArgument {}

extension Error {
    /// A failure of PostgreSQL that nobody below gave the registry's meaning, with that and its advice. A connection
    /// string that is none speaks for itself.
    fileprivate var withRegistryMeaning: any Error {
        guard let error = self as? PostgresError, error.code != .usage else { return self }
        return RegistryError(error)
    }
}

/// A registry that a command works on.
public struct RegistrySession: Sendable {
    public let registry: Registry
    /// Where its bytes lie.
    public let blobs: BlobStore
    /// Its connections.
    public let pool: PostgresPool
    /// For what is to be logged.
    public let logger: Logger
}

/// A command that works on a registry: the shell around its work is the same for all.
public protocol RegistryCommand: AsyncParsableCommand {
    /// For whom to print.
    var options: GlobalOptions { get }
    var database: DatabaseOptions { get }
    /// The work.
    func run(on session: RegistrySession, output: CommandOutput) async throws
}

extension RegistryCommand {
    /// Opens the registry, does the work, and ends as the contract of exit statuses says.
    public func run() async throws {
        try await runCommand(options) { output in
            try await database.withSession { try await run(on: $0, output: output) }
        }
    }
}
