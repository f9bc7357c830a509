import ArgumentParser
import CommandSupport
import Foundation
import Logging
import PostgreSQL
import Registry
import ServiceLifecycle
import Trainer

/// The trainer as a program: parses settings, checks the schema, runs rounds.
@main
struct Trainerd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trainerd",
        abstract: "Folds the updates that devices submit into new module versions and releases.",
        discussion: """
            Any number of trainers may run over one database. SIGTERM lets the round in hand finish and then stops.

            Settings come from options, else from environment variables ECLM_TRAINER_…, such as \
            ECLM_TRAINER_MINIMUM_UPDATES, else from the JSON file of --config, whose keys are database, blob_directory, \
            migrations, name, channel, models, minimum_updates, maximum_updates, maximum_wait, poll_interval, \
            train_selector and connections. Without a database, libpq's own PG… variables and service files decide.

            Examples:
              trainerd --database postgresql://trainer@db/eclm --minimum-updates 25 --maximum-wait 10m
              trainerd --config /etc/eclm/trainer.json --once --output json

            \(ExitStatus.help)
            """)

    @OptionGroup var options: TrainerOptions
    @OptionGroup var log: LogOptions

    @Flag(name: .long, help: "Run what is pending, print what each round did, and exit.")
    var once = false

    @Option(name: .long, help: "How --once prints the rounds: table for people, json for programs.")
    var output: OutputFormat = .table

    func run() async throws {
        LoggingBootstrap.start(format: log.logFormat, level: log.logLevel.level)
        var global = GlobalOptions()
        global.output = output
        global.logLevel = log.logLevel
        try await runCommand(global) { output in
            let settings = try await TrainerSettings.resolve(options)
            try await settings.withTrainer(logger: Logger(label: "trainerd")) { trainer in
                if once {
                    try print(try await trainer.drain(), on: output)
                } else {
                    try await serve(trainer)
                }
            }
        }
    }

    private func serve(_ trainer: Trainer) async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: trainer)], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "trainerd")))
        try await group.run()
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
