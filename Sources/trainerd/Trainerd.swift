import ArgumentParser
import CommandSupport
import ECLMCore
import EdgeClient
import Logging
import Monitoring
import PostgreSQL
import Regions
import Registry
import RegistryPrograms
import ServiceLifecycle
import Trainer
import UnixSignals

/// The trainer as a program.
@main
struct Trainerd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trainerd",
        abstract: "Fold the updates that devices submit into new module versions and releases.",
        discussion: """
            Any number of trainers may run over one database. SIGTERM and SIGINT let the round in hand finish.

            Reads settings from flags, then from the environment (ECLM_DATABASE, ECLM_TRAINERD_MINIMUM_UPDATES, …), then
            from a JSON file: {"eclm": {"trainerd": {"minimum-updates": 25}}}.

            Examples:
              trainerd --database "host=/run/postgresql dbname=eclm" --minimum-updates 25 --maximum-wait 600
              trainerd --once --output json
              trainerd --database dbname=north --parent root.example:7420 --parent-state /var/lib/eclm/north

            \(ExitStatus.help)
            """,
        version: ECLM.version)

    @OptionGroup var flags: TrainerdFlags
    @OptionGroup var log: LogOptions

    @Flag(help: "Run what is pending, print what each round did, and exit.")
    var once = false

    @Option(help: "How --once prints the rounds: table for people, json for programs.")
    var output: OutputFormat = .table

    func run() async throws {
        if once {
            LoggingBootstrap.start(format: log.logFormat, level: log.logLevel.level)
            let options = try GlobalOptions.parse(["--output", output.rawValue])
            try await runCommand(options) { output in
                try await withTrainer(try await TrainerSettings(flags)) { trainer, region in
                    try await region?.follow()
                    let rounds = try await trainer.drain()
                    let left = try await region?.handOver()
                    try print(rounds, left, on: output)
                    if let region, let left, left > 0 {
                        throw EdgeError(
                            .unavailable,
                            "\(left) round\(left == 1 ? "" : "s") could not be handed over to \(region.parentName), and wait: "
                                + "`registryctl region hand-overs` says why; run this again")
                    }
                }
            }
        } else {
            try await runDaemon("trainerd", log) { logger in
                let settings = try await TrainerSettings(flags)
                let metrics = settings.monitoring?.start(name: "trainerd")
                recordBuildInfo()
                try await withTrainer(settings) { trainer, region in
                    // The last one is the first to stop: what it makes then is handed over at the next start.
                    let services = ([metrics, region, trainer] as [(any Service)?]).compactMap(\.self)
                    let group = ServiceGroup(
                        configuration: .init(
                            services: services.map { .init(service: $0) },
                            gracefulShutdownSignals: [.sigterm, .sigint],
                            logger: Logger(label: "trainerd.lifecycle")))
                    try await group.run()
                }
                logger.info("stopped")
            }
        }
    }

    /// Connects, makes sure that the schema is current, and hands out a trainer, and its region where it has a parent.
    private func withTrainer(
        _ settings: TrainerSettings, _ body: (Trainer, Region?) async throws -> Void
    ) async throws {
        try await withRegistry(
            settings.database, blobDirectory: settings.blobDirectory, migrator: try flags.migrations.migrator(),
            logger: Logger(label: "trainerd.registry"), databaseLogger: Logger(label: "trainerd.database")
        ) { registry in
            // What runs once listens to nothing.
            _ = try await registryErrors { () async throws in try await registry.pool.examine(listens: !once) }
            let trainer = try Trainer(
                registry: registry, policy: settings.policy,
                trainsSelector: settings.trainsSelector, name: settings.name,
                region: settings.parent?.identity.deviceID, logger: Logger(label: "trainerd"))
            guard let parent = settings.parent else { return try await body(trainer, nil) }
            try await parent.withRegion(registry: registry, policy: settings.policy) { try await body(trainer, $0) }
        }
    }

    /// What `--once` prints as JSON.
    private struct Report: Encodable {
        var rounds: [RoundOutcome]
        /// Rounds that the parent does not have yet; absent without a parent.
        var notHandedOver: Int?
    }

    private func print(_ outcomes: [RoundOutcome], _ notHandedOver: Int?, on output: CommandOutput) throws {
        let isRegion = notHandedOver != nil
        var table = Table([
            "model", .number("round"), .number("release"), .number("updates"), .number("quarantined"),
            .number(isRegion ? "partials" : "versions"), .number("bytes"),
        ])
        for outcome in outcomes {
            table.add([
                outcome.model, outcome.round.map(String.init) ?? "-", outcome.release.map(String.init) ?? "-",
                String(outcome.updates.count), String(outcome.quarantined.count),
                String(isRegion ? outcome.partials : outcome.newVersions), ByteSize(outcome.bytes).description,
            ])
        }
        try output.result(
            Report(rounds: outcomes, notHandedOver: notHandedOver), table: table, ifEmpty: "nothing is pending")
        for refusal in outcomes.flatMap(\.quarantined) {
            output.remark("update \(refusal.updateID) quarantined: \(refusal.reason)")
        }
    }
}
