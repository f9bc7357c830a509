public import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

extension CanaryState: ExpressibleByArgument {}

/// Which channel's canary is meant.
struct CanaryPlace: ParsableArguments {
    @Argument(help: "The model's name.")
    var model: String
    @Option(name: .long, help: ArgumentHelp("The channel.", valueName: "name"))
    var channel = "stable"
}

struct CanaryCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "canary",
        abstract: "Puts a release on trial on a share of the devices, which promotes or rolls it back by itself.",
        discussion: """
            Devices of the share get the candidate, the others what the channel points to. What they report is compared by \
            a sequential test, and trainerd decides as soon as the evidence suffices.

            Example:
              registryctl canary start minilm --release 7 --metric accuracy --margin 0.02 --reason "round 6"
            """,
        subcommands: [
            CanaryStart.self, CanaryStatus.self, CanaryList.self, CanaryPromote.self, CanaryAbort.self,
        ])
}

struct CanaryStart: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Starts a canary on a channel.",
        discussion: """
            Each device counts once, with its first report of the metric: in a submission, or by edgectl report. With \
            probability alpha at most a candidate is promoted that is worse than the control by the margin or more; with \
            probability beta at most one is rolled back that is as good or better. Both hold however often one looks. \
            Give the tightest range that the metric keeps: the decision comes the sooner.

            While a canary runs trainerd holds the channel's rounds. Who moves the channel cancels the canary.

            Examples:
              registryctl canary start minilm --release 7 --share 0.1 --metric accuracy --margin 0.02 --alpha 0.01 \
            --reason "round 6"
              registryctl canary start minilm --release 7 --metric loss --lower-is-better --range 0..4 --margin 0.1 \
            --deadline 3d --reason "new head"
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Option(name: .long, help: ArgumentHelp("The channel whose devices take part.", valueName: "name"))
    var channel = "stable"
    @Option(name: .long, help: ArgumentHelp("The number of the release on trial.", valueName: "number"))
    var release: Int
    @Option(
        name: .long, help: ArgumentHelp("The share of the devices that get it, above 0 and below 1.", valueName: "part")
    )
    var share = 0.1
    @Option(name: .long, help: ArgumentHelp("The metric to compare.", valueName: "name"))
    var metric: String
    @Flag(name: .long, help: "A smaller value of the metric is the better one.")
    var lowerIsBetter = false
    @Option(
        name: .long, help: ArgumentHelp("The metric's range; values outside count as its end.", valueName: "low..high"))
    var range = MetricRange(0...1)
    @Option(name: .long, help: ArgumentHelp("By how much worse the candidate must not be.", valueName: "difference"))
    var margin: Double
    @Option(name: .long, help: ArgumentHelp("The most probable a wrong promotion may be.", valueName: "probability"))
    var alpha = 0.01
    @Option(name: .long, help: ArgumentHelp("The most probable a wrong rollback may be.", valueName: "probability"))
    var beta = 0.01
    @Option(name: .long, help: ArgumentHelp("Devices of each arm before a decision.", valueName: "number"))
    var minimumObservations = 20
    @Option(
        name: .long,
        help: ArgumentHelp("When to end without a decision, such as 12h or 7d from now.", valueName: "time"))
    var deadline = TimeSpan(.seconds(7 * 86_400))
    @OptionGroup var why: ReasonOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let settings = CanarySettings(
            channel: channel, candidate: release, share: share, metric: metric, lowerIsBetter: lowerIsBetter,
            range: range.range, margin: margin, alpha: alpha, beta: beta, minimumObservations: minimumObservations,
            patience: Double(deadline.seconds))
        let document = CanaryDocument(
            try await session.registry.startCanary(of: model, settings, as: database.provenance(reason: why.reason)))
        try output.result(document) { _ in
            "Canary \(document.canary) runs: release \(release) on \(Figure.number(share)) of the devices of \(model) "
                + "\(channel).\n\n" + document.fields.rendered()
        }
    }
}

struct CanaryStatus: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows the newest canary of a channel, or one by its number, with the evidence.",
        discussion: """
            Example:
              registryctl canary status minilm
            """)

    @OptionGroup var place: CanaryPlace
    @Option(name: .long, help: ArgumentHelp("The canary with this number.", valueName: "number"))
    var canary: Int64?
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let record: CanaryRecord
        if let canary {
            record = try await session.registry.canary(canary)
            guard record.model == place.model else {
                throw CommandFailure(.notFound, "canary \(canary) is one of \(record.model), not of \(place.model)")
            }
        } else {
            record = try await session.registry.newestCanary(of: place.model, channel: place.channel)
        }
        let document = CanaryDocument(record)
        try output.result(document) { _ in document.fields.rendered() }
    }
}

struct CanaryList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists canaries, newest first.",
        discussion: """
            Example:
              registryctl canary list --state running
            """)

    @Argument(help: "Only canaries of this model.")
    var model: String?
    @Option(name: .long, help: "Only canaries in this state.")
    var state: CanaryState?
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(CanaryDocument.init) {
            try await session.registry.canaries(of: model, state: state, page: $0)
        }
        try output.listing(
            listing,
            columns: [
                .number("canary"), "model", "channel", .number("candidate"), .number("control"), "metric", "state",
                .number("devices"), "started", "decision",
            ],
            ifEmpty: "No canary matches."
        ) { canary in
            [
                "\(canary.canary)", canary.model, canary.channel, "\(canary.candidate.release)",
                "\(canary.control.release)", canary.metric, canary.state,
                "\(canary.candidate.observations)+\(canary.control.observations)", canary.startedAt.brief,
                canary.decision ?? "",
            ]
        }
    }
}

struct CanaryPromote: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Points the channel to the running canary's candidate, whatever the evidence.",
        discussion: """
            Example:
              registryctl canary promote minilm --reason "checked by hand"
            """)

    @OptionGroup var place: CanaryPlace
    @OptionGroup var why: ReasonOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let document = CanaryDocument(
            try await session.registry.promoteCanary(
                of: place.model, channel: place.channel, as: database.provenance(reason: why.reason)))
        try output.result(document) { _ in
            "Channel \(place.channel) of \(place.model) points to release \(document.candidate.release).\n\n"
                + document.fields.rendered()
        }
    }
}

struct CanaryAbort: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort", abstract: "Ends the running canary: all devices get what the channel points to again.",
        discussion: """
            The candidate is not withdrawn; what devices learned from it counts.

            Example:
              registryctl canary abort minilm --reason "wrong release"
            """)

    @OptionGroup var place: CanaryPlace
    @OptionGroup var why: ReasonOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let document = CanaryDocument(
            try await session.registry.abortCanary(
                of: place.model, channel: place.channel, as: database.provenance(reason: why.reason)))
        try output.result(document) { _ in
            "Canary \(document.canary) ended; all devices of \(place.model) \(place.channel) get release "
                + "\(document.control.release).\n\n" + document.fields.rendered()
        }
    }
}
