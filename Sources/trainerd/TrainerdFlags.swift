import ArgumentParser
import CommandSupport
import DaemonSettings
import ECLMCore
import RegistryPrograms

/// The flags of trainerd; each has a setting of the same name in the environment and the file.
struct TrainerdFlags: ParsableArguments {
    @Option(help: "JSON file with settings.")
    var config: String?

    @OptionGroup var database: DatabaseFlags

    @Option(help: "The trainer's name in rounds and in the audit. Default trainerd@HOST.")
    var name: String?

    @Option(help: "The channel that rounds start from and move. Default stable.")
    var channel: String?

    @Option(name: .customLong("model"), help: "Train this model; may be repeated (setting: models). Default all.")
    var models: [String] = []

    @Option(help: "Start a round when this many updates are pending. Default 1.")
    var minimumUpdates: Int?

    @Option(
        help:
            "Without as many updates there is no round, however long they wait. Default: what the rule asks for, 1 of means."
    )
    var requireUpdates: Int?

    @Option(help: "As well, of as many devices. Default: what the rule asks for.")
    var requireDevices: Int?

    @Option(help: "Updates that one round takes at most. Default 256.")
    var maximumUpdates: Int?

    @Option(help: "Seconds after which a round starts with fewer updates than the minimum. Default 60.")
    var maximumWait: Double?

    @Option(help: "Seconds between looks at the queue when no notification comes. Default 30.")
    var pollInterval: Double?

    @Flag(inversion: .prefixedNo, help: "Train the selector, too. Default: it is frozen.")
    var trainSelector: Bool?

    @Option(help: "Memory for rules that see all updates at once, such as 64MiB. Default 64MiB.")
    var blockMemory: ByteSize?

    @Option(
        help: ArgumentHelp(
            "Serve metrics for Prometheus over HTTP there, at /metrics; without, nothing is measured. Not with --once.",
            valueName: "host:port"))
    var metrics: String?

    @Option(help: "Database connections, at least 2. Default 4.")
    var poolSize: Int?

    @Option(help: "Seconds that a statement may take in the database. Default 600.")
    var statementTimeout: Double?

    @Option(
        help: "Keep new blobs in this directory instead of the database; all programs of a registry must say the same.")
    var blobDirectory: String?

    @Option(
        name: .customLong("parent"),
        help: ArgumentHelp(
            "Work as a region of this registry, host:port or unix:/path: mirror its releases and hand it one partial aggregate for each round. Several servers of it may be given (setting: parents).",
            valueName: "endpoint"))
    var parents: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where `edgectl register --state` made the region a device of the parent.", valueName: "directory"))
    var parentState: String?

    @OptionGroup var migrations: MigrationOptions
}
