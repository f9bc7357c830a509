import CommandSupport
import Foundation
import Logging
import PostgreSQL
import Registry
import Trainer

/// The daemon's settings from options, environment and file.
struct TrainerSettings: Sendable {
    var database = ""
    var blobDirectory: String?
    var migrations: String?
    var name = "trainerd@\(ProcessInfo.processInfo.hostName)"
    var policy = TrainerPolicy()
    var trainsSelector = false
    var connections = 4

    /// The settings, each from the first place that has it.
    ///
    /// - Throws: `CommandFailure` naming the place and the value that is wrong.
    static func resolve(_ options: TrainerOptions) async throws -> TrainerSettings {
        let source = try await SettingsSource(file: options.config)
        var settings = TrainerSettings()
        settings.database = try options.database ?? source.string("database") ?? settings.database
        settings.blobDirectory = try options.blobDirectory ?? source.string("blob_directory")
        settings.migrations = try options.migrations ?? source.string("migrations")
        settings.name = try options.name ?? source.string("name") ?? String(settings.name.prefix(128))
        settings.connections = try options.connections ?? source.int("connections") ?? settings.connections
        settings.trainsSelector = try options.trainSelector ?? source.bool("train_selector") ?? false

        var policy = TrainerPolicy()
        policy.channel = try options.channel ?? source.string("channel") ?? policy.channel
        policy.models = Set(try options.models.isEmpty ? source.strings("models") ?? [] : options.models)
        policy.minimumUpdates =
            try options.minimumUpdates ?? source.int("minimum_updates") ?? policy.minimumUpdates
        policy.maximumUpdates =
            try options.maximumUpdates ?? source.int("maximum_updates") ?? policy.maximumUpdates
        policy.maximumWait =
            try duration(options.maximumWait ?? source.string("maximum_wait"), "maximum_wait") ?? policy.maximumWait
        policy.pollInterval =
            try duration(options.pollInterval ?? source.string("poll_interval"), "poll_interval") ?? policy.pollInterval
        settings.policy = policy
        return settings
    }

    /// Connects, makes sure that the schema is current, and hands out a trainer.
    func withTrainer(
        logger: Logger, _ body: @Sendable (Trainer) async throws -> Void
    ) async throws {
        var configuration = PostgresConfiguration(connectionString: database, applicationName: "trainerd")
        configuration.maximumConnections = connections
        do {
            try configuration.validate()
        } catch {
            throw RegistryError(wrapping: error)
        }
        let pool = PostgresPool(configuration: configuration, logger: logger)
        do {
            let blobs =
                blobDirectory.map { BlobStore(pool: pool, directory: $0) } ?? BlobStore(pool: pool)
            let registry = Registry(pool: pool, blobs: blobs, logger: logger)
            let trainer = try Trainer(
                registry: registry, policy: policy,
                rule: ImportanceWeightedMean(trainsSelector: trainsSelector), name: name, logger: logger)
            let migrator = try Migrator(directory: try MigrationsDirectory.locate(migrations))
            try await registryErrors {
                try await pool.withConnection { try await migrator.requireCurrentSchema(on: $0) }
            }
            try await body(trainer)
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }

    /// A duration such as `500ms`, `90s`, `10m`, `2h`, or a plain number of seconds.
    static func duration(_ text: String?, _ key: String) throws -> Duration? {
        guard let text else { return nil }
        let units: [(suffix: String, seconds: Double)] = [("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
        for unit in units where text.hasSuffix(unit.suffix) {
            guard let value = Double(text.dropLast(unit.suffix.count)), (0...1e9).contains(value) else { break }
            return .seconds(value * unit.seconds)
        }
        throw CommandFailure(
            .usage, "\(key): \(text.debugDescription) is no duration; write one such as 500ms, 90s, 10m or 2h")
    }
}
