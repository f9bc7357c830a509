public import Development
import ECLMCore
import Foundation
import Logging
import PostgreSQL
import Registry
import Subprocess
import SystemPackage

/// A registry of its own for experiments over the wire: a private PostgreSQL, registryd, and trainerd for each round.
///
/// Any number of ``WireCloud``s share one, each with a model of its own.
public actor WireServices {
    /// Where everything can be reached.
    public nonisolated let endpoints: DevelopmentRegistry.Endpoints
    /// The registry as its operator sees it, over the database.
    nonisolated let registry: Registry
    private let pool: PostgresPool
    private let programs: String
    private let stopSignal: StopSignal
    private let running: Task<Void, Never>

    /// Starts everything.
    ///
    /// - Parameters:
    ///   - directory: Where the data goes; made where there is none.
    ///   - programs: The folder with `registryd` and `trainerd`; by default that of this program.
    /// - Throws: ``ExperimentError`` with `unavailable`.
    public static func start(directory: String, programs: String? = nil) async throws -> WireServices {
        let folder: String
        do {
            folder = try programs ?? ProgramFolder.own()
        } catch {
            throw ExperimentError(.unavailable, "registryd and trainerd are not found", cause: error)
        }
        // The trainer beside the registry must not take a round's first updates before the last are there: rounds are
        // made by `trainerd --once`.
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let idle = directory + "/trainerd.json"
        try Data(#"{"eclm": {"trainerd": {"channel": "nothing-is-trained-here"}}}"#.utf8).write(
            to: URL(fileURLWithPath: idle))
        var configuration = DevelopmentRegistry.Configuration(
            directory: directory + "/registry", programs: folder)
        configuration.listen = "127.0.0.1:0"
        configuration.trainerdConfig = idle

        let (ready, continuation) = AsyncThrowingStream.makeStream(of: DevelopmentRegistry.Endpoints.self)
        let registry = DevelopmentRegistry(configuration) { event in
            if case .ready(let endpoints) = event { continuation.yield(endpoints) }
        }
        let stop = StopSignal()
        let running = Task {
            do {
                try await registry.run(until: stop)
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        var iterator = ready.makeAsyncIterator()
        do {
            guard let endpoints = try await iterator.next() else {
                throw ExperimentError(.unavailable, "the registry stopped before it was ready")
            }
            return WireServices(
                endpoints: endpoints, programs: folder, stop: stop, running: running)
        } catch {
            stop.request()
            await running.value
            throw ExperimentError(.unavailable, "the registry for the experiment cannot be started", cause: error)
        }
    }

    private init(
        endpoints: DevelopmentRegistry.Endpoints, programs: String, stop: StopSignal, running: Task<Void, Never>
    ) {
        self.endpoints = endpoints
        self.programs = programs
        self.running = running
        stopSignal = stop
        let logger = Logger(label: "experiment.registry")
        pool = PostgresPool(
            configuration: PostgresConfiguration(
                connectionString: endpoints.database, applicationName: "eclm experiment"), logger: logger)
        registry = Registry(pool: pool, blobs: BlobStore(pool: pool), logger: logger)
    }

    /// Stops everything. The data stays.
    public func stop() async {
        await pool.shutdown()
        stopSignal.request()
        await running.value
    }

    /// What a run of the trainer did.
    struct Round: Decodable, Sendable {
        struct Refusal: Decodable, Sendable {
            var reason: String
        }

        var release: Int?
        var updates: [Int64]
        var quarantined: [Refusal]
    }

    /// Runs the trainer once over what is pending for a model.
    ///
    /// - Throws: ``ExperimentError`` with `unavailable` when it fails.
    func train(model: String) async throws -> [Round] {
        // Not what was meant for the program that runs the experiment.
        let environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("ECLM_") && !$0.key.hasPrefix("PG")
        }.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        let arguments = [
            "--once", "--output", "json", "--model", model, "--database", endpoints.database,
            "--maximum-updates", "65536", "--log-level", "error",
        ]
        let result: ExecutionResult<Void, BytesOutput, StringOutput<UTF8>>
        do {
            result = try await Subprocess.run(
                .path(FilePath(programs + "/trainerd")), arguments: Arguments(arguments),
                environment: .custom(Dictionary(environment, uniquingKeysWith: { first, _ in first })),
                output: .bytes(limit: 64 << 20), error: .string(limit: 1 << 20))
        } catch {
            throw ExperimentError(.unavailable, "trainerd cannot be run", cause: error)
        }
        guard result.terminationStatus.isSuccess else {
            throw ExperimentError(
                .unavailable, "trainerd ended with \(result.terminationStatus): \(result.standardError)")
        }
        struct Document: Decodable { var rounds: [Round] }
        do {
            return try JSONReader().decode(Document.self, of: "trainerd's answer", from: result.standardOutput).rounds
        } catch {
            throw ExperimentError(.unavailable, "trainerd's answer cannot be read", cause: error)
        }
    }
}
