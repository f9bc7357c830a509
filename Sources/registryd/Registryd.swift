import ArgumentParser
import CommandSupport
import ECLMCore
import Foundation
import Logging
import Monitoring
import PostgreSQL
import RPC
import Registry
import RegistryPrograms
import RegistryService
import ServiceLifecycle
import UnixSignals

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
        version: ECLM.version)

    @OptionGroup var flags: RegistrydFlags
    @OptionGroup var log: LogOptions

    func run() async throws {
        try await runDaemon("registryd", log) { logger in
            let settings = try await RegistrydSettings(flags)
            try await withRegistry(
                settings.database, blobDirectory: settings.blobDirectory, migrator: try flags.migrations.migrator(),
                logger: Logger(label: "registryd.registry"), databaseLogger: Logger(label: "registryd.database")
            ) { try await serve($0, settings, logger: logger) }
            logger.info("stopped")
        }
    }

    private func serve(_ registry: Registry, _ settings: RegistrydSettings, logger: Logger) async throws {
        _ = try await registryErrors { () async throws in try await registry.pool.examine(listens: true) }
        let metrics = settings.monitoring?.start(name: "registryd")
        recordBuildInfo()
        let server = try await RegistryServer(
            registry: registry, configuration: settings.rpc, authentication: settings.authentication,
            limits: settings.limits, logger: Logger(label: "registryd.rpc"))
        let service = AnnouncedServer(
            server: server, database: registry.pool, endpointFile: flags.endpointFile, logger: logger)
        let services = (metrics.map { [$0] } ?? []) as [any Service] + [service]
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger))
        try await group.run()
    }
}

/// The server, which tells where it listens once it does. It begins to listen within the service group, when signals are
/// heeded already: who stops it at once still stops it gracefully.
private struct AnnouncedServer: Service {
    let server: RegistryServer
    let database: PostgresPool
    let endpointFile: String?
    let logger: Logger

    func run() async throws {
        let endpoint = try await server.rpc.start()
        logger.info("serving", metadata: ["endpoint": "\(endpoint)", "version": "\(ECLM.version)"])
        if let endpointFile {
            try Data("\(endpoint)\n".utf8).write(to: URL(filePath: endpointFile), options: .atomic)
        }
        // Calls in flight go on as long as the database does; nothing waits for one that is silent.
        try await withGracefulShutdownHandler {
            try await server.run()
        } onGracefulShutdown: {
            database.hurry()
        }
    }
}
