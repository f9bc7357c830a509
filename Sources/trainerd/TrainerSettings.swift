import CommandSupport
import DaemonSettings
import ECLMCore
import Foundation
import Logging
import Monitoring
import PostgreSQL
import Registry
import Trainer

/// What trainerd runs with, after all layers of settings.
struct TrainerSettings: Sendable {
    static let names: Set<String> = [
        "name", "channel", "models", "minimum-updates", "maximum-updates", "require-updates", "require-devices",
        "maximum-wait", "poll-interval", "train-selector", "block-memory", "pool-size", "statement-timeout", "parents",
        "parent-state", "metrics",
    ]

    var database: PostgresConfiguration
    var blobDirectory: String?
    var name: String
    var policy = TrainerPolicy()
    var trainsSelector: Bool
    var monitoring: Monitoring?
    /// What this registry is a region of.
    var parent: ParentSettings?

    /// The settings, each from the first layer that has it.
    ///
    /// - Throws: `ConfigurationError` naming the setting that is wrong.
    init(_ flags: TrainerdFlags) async throws {
        let layers = try await DaemonConfiguration(section: "trainerd", file: flags.config, settings: Self.names)
        database = try layers.database(flags.database, applicationName: "trainerd")
        database.maximumConnections = try layers.integer("pool-size", flag: flags.poolSize, in: 2...1000, default: 4)
        database.statementTimeout = try layers.seconds("statement-timeout", flag: flags.statementTimeout, default: 600)
        blobDirectory = layers.blobDirectory(flag: flags.blobDirectory)
        name =
            layers.string("name", flag: flags.name)
            ?? String("trainerd@\(ProcessInfo.processInfo.hostName)".prefix(128))
        parent = try ParentSettings(layers, flags)
        monitoring = try Monitoring(setting: layers.string("metrics", flag: flags.metrics))
        trainsSelector = try layers.boolean("train-selector", flag: flags.trainSelector, default: false)

        policy.channel = layers.string("channel", flag: flags.channel) ?? policy.channel
        policy.models = Set(try layers.list("models", flag: flags.models))
        policy.maximumUpdates = try layers.integer(
            "maximum-updates", flag: flags.maximumUpdates, in: 1...65_536, default: policy.maximumUpdates)
        policy.minimumUpdates = try layers.integer(
            "minimum-updates", flag: flags.minimumUpdates, in: 1...policy.maximumUpdates,
            default: policy.minimumUpdates)
        policy.requiredUpdates = try Self.required("require-updates", flags.requireUpdates, layers, policy)
        policy.requiredDevices = try Self.required("require-devices", flags.requireDevices, layers, policy)
        policy.maximumWait = try layers.seconds(
            "maximum-wait", flag: flags.maximumWait, default: policy.maximumWait / .seconds(1))
        policy.pollInterval = try layers.seconds(
            "poll-interval", flag: flags.pollInterval, default: policy.pollInterval / .seconds(1))
        policy.blockMemory = Int(
            try layers.size(
                "block-memory", flag: flags.blockMemory, default: ByteSize(policy.blockMemory)
            ).bytes)
    }

    /// A floor of rounds; `nil` for what the rule asks for.
    private static func required(
        _ name: String, _ flag: Int?, _ layers: DaemonConfiguration, _ policy: TrainerPolicy
    ) throws -> Int? {
        let number = try layers.integer(name, flag: flag, in: 0...policy.maximumUpdates, default: 0)
        return number == 0 ? nil : number
    }
}
