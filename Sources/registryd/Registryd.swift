import ArgumentParser
import CommandSupport
import Foundation
import Logging
import PostgreSQL
import RPC
import Registry
import RegistryService
import ServiceLifecycle

/// The server that devices and operators call.
@main
struct Registryd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registryd",
        abstract: "Serve the registry over baidu_std RPC.",
        discussion: """
            Reads settings from flags, then from the environment (ECLM_DATABASE, ECLM_REGISTRYD_LISTEN, …), then from a
            JSON file. SIGTERM and SIGINT drain: no call is taken any more, those in flight end.

            Example:
              registryd --database "host=/run/postgresql dbname=eclm" --listen 0.0.0.0:7420

            \(ExitStatus.help)
            """,
        version: RegistryServer.version)

    @OptionGroup var flags: RegistrydFlags
    @OptionGroup var log: LogOptions

    func run() async throws {
        LoggingBootstrap.start(format: log.logFormat, level: log.logLevel.level)
        let logger = Logger(label: "registryd")
        do {
            let settings = try await RegistrydSettings(flags)
            let pool = PostgresPool(configuration: settings.database, logger: Logger(label: "registryd.database"))
            do {
                try await serve(settings, pool: pool, logger: logger)
            } catch {
                await pool.shutdown()
                throw error
            }
            await pool.shutdown()
            logger.info("stopped")
        } catch {
            let report = FailureReport(error)
            logger.critical("registryd cannot go on", metadata: ["error": "\(report.message)"])
            throw ExitCode(report.status.code)
        }
    }

    private func serve(_ settings: RegistrydSettings, pool: PostgresPool, logger: Logger) async throws {
        try await Migrator(directory: MigrationsDirectory.locate(explicit: flags.migrations)).requireCurrentSchema(on: pool)
        let registry = Registry(
            pool: pool, blobs: PostgreSQLBlobStore(pool: pool), logger: Logger(label: "registryd.registry"))
        let server = try await RegistryServer(
            registry: registry, configuration: settings.rpc, authentication: settings.authentication,
            limits: settings.limits, logger: Logger(label: "registryd.rpc"))
        let endpoint = try await server.rpc.start()
        logger.info("serving", metadata: ["endpoint": "\(endpoint)", "version": "\(RegistryServer.version)"])
        if let path = flags.endpointFile {
            try Data("\(endpoint)\n".utf8).write(to: URL(filePath: path), options: .atomic)
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: server)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

extension RegistryError: @retroactive ExitStatusConvertible {
    /// How a command that meets the error ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .notFound: .notFound
        case .unavailable, .aborted: .unavailable
        case .dataLoss: .verificationFailed
        case .internal: .failure
        default: .refused
        }
    }

    /// The error's message.
    public var failureMessage: String { message }
}
