import Composition
import ECLMCore
import EdgeClient
import Foundation
import Logging
import PostgreSQL
import RPC
import Registry
import RegistryService
import ServiceLifecycle
import UnixSignals

/// A server that has the registry inside: it makes the schema, publishes a model, plans for its own fleet by a call of a
/// function, and serves devices over TCP.
@main
struct EmbeddedRegistry {
    static let usage = "usage: EmbeddedRegistry [--serve] [CONNINFO]"

    static func main() async {
        do {
            try await run()
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func run() async throws {
        var arguments = CommandLine.arguments.dropFirst()
        let serves = arguments.first == "--serve"
        if serves { arguments.removeFirst() }
        guard arguments.count <= 1, arguments.first?.hasPrefix("-") != true else {
            FileHandle.standardError.write(Data("\(usage)\n".utf8))
            exit(64)
        }
        var logger = Logger(label: "embedded-registry")
        logger.logLevel = .warning

        // Without a connection string, libpq's own rules count: PG* variables, service files, password files.
        let database = PostgresConfiguration(
            connectionString: arguments.first ?? "", applicationName: "embedded-registry")
        try await Migrator.embedded.migrate(database)
        try await withRegistry(database, logger: logger) { registry in
            let published = try await TinyModel.publish(to: registry)
            try await TinyModel.defineDeviceClass(in: registry)
            print("\(TinyModel.name): release \(published.release.number) on stable")

            let server = try await RegistryServer(
                registry: registry, configuration: RPCServerConfiguration(host: "127.0.0.1", port: serves ? 7420 : 0),
                logger: logger)
            let services = ServiceGroup(
                services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            let endpoint = try await server.rpc.start()
            async let serving: Void = services.run()

            try await plan(server)
            try await pull(from: endpoint)
            if serves {
                print("serving at \(endpoint) until SIGTERM or Ctrl-C")
            } else {
                await services.triggerGracefulShutdown()
            }
            try await serving
        }
    }

    /// What devices of three sizes would get: composed in this process, from the catalogue that the server has in memory,
    /// without a message and without a query.
    private static func plan(_ server: RegistryServer) async throws {
        let release = try await server.catalogue.release(of: TinyModel.name, .channel("stable"))
        for memory in [Int64(500), 1500, 3000] {
            let answer = try release.compose(CompositionQuery(budget: Budget(memory: memory)))
            switch answer.outcome {
            case .composed(let modules, let solution):
                print(
                    "\(memory) bytes: \(modules.map(\.module.module).joined(separator: " ")), importance \(solution.objective)"
                )
            case .infeasible(let why):
                print("\(memory) bytes: \(why.message)")
            }
        }
    }

    /// What a device does, here over TCP: ask for a sub-model, fetch the weights, and verify them. It names its class; one that
    /// also submits what it learned registers first, with `EdgeClient.register`.
    private static func pull(from endpoint: RPCEndpoint) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("embedded-registry-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let connection = RPCClient(endpoint: endpoint)
        defer { connection.close() }
        let device = try EdgeClient(
            registry: RegistryClient(connection), state: StateDirectory(path: folder.path))
        let pulled = try await device.pull(
            PullRequest(model: TinyModel.name, deviceClass: TinyModel.deviceClass))
        print("a \(TinyModel.deviceClass) pulled \(pulled.fetchedModules) modules, \(pulled.fetchedBytes) bytes")
    }
}
