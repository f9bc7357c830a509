import ArgumentParser
import CommandSupport
import Logging
import RegistryPrograms
import ServiceLifecycle
import Trainer

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

            \(ExitStatus.help)
            """)

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
                try await withTrainer { try print(try await $0.drain(), on: output) }
            }
        } else {
            try await runDaemon("trainerd", log) { logger in
                try await withTrainer { trainer in
                    let group = ServiceGroup(
                        configuration: .init(
                            services: [.init(service: trainer)], gracefulShutdownSignals: [.sigterm, .sigint],
                            logger: Logger(label: "trainerd.lifecycle")))
                    try await group.run()
                }
                logger.info("stopped")
            }
        }
    }

    /// Connects, makes sure that the schema is current, and hands out a trainer.
    private func withTrainer(_ body: (Trainer) async throws -> Void) async throws {
        let settings = try await TrainerSettings(flags)
        try await withRegistry(
            settings.database, blobDirectory: settings.blobDirectory, migrations: flags.migrations, name: "trainerd"
        ) { registry in
            try await body(
                Trainer(
                    registry: registry, policy: settings.policy,
                    rule: ImportanceWeightedMean(trainsSelector: settings.trainsSelector), name: settings.name,
                    logger: Logger(label: "trainerd")))
        }
    }

    private func print(_ outcomes: [RoundOutcome], on output: CommandOutput) throws {
        var table = Table([
            "model", .number("round"), .number("release"), .number("updates"), .number("quarantined"),
            .number("versions"), .number("bytes"),
        ])
        for outcome in outcomes {
            table.add([
                outcome.model, outcome.round.map(String.init) ?? "-", outcome.release.map(String.init) ?? "-",
                String(outcome.updates.count), String(outcome.quarantined.count), String(outcome.newVersions),
                ByteSize(outcome.bytes).description,
            ])
        }
        try output.result(["rounds": outcomes], table: table, ifEmpty: "nothing is pending")
        for refusal in outcomes.flatMap(\.quarantined) {
            output.remark("update \(refusal.updateID) quarantined: \(refusal.reason)")
        }
    }
}
