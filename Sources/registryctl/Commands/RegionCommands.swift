import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct RegionCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "region",
        abstract: "Lists what regions handed this registry, and what this registry, as a region, handed its parent.",
        discussion: """
            Examples:
              registryctl region list --model minilm
              registryctl region hand-overs
            """,
        subcommands: [RegionList.self, RegionHandOvers.self])
}

struct RegionList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the partial aggregates that regions handed this registry, newest first.",
        discussion: """
            "inputs" are the updates in the module with the most, "devices" those of devices behind them, through all \
            levels below. eclm.partial_inputs names each.

            Example:
              registryctl region list --model minilm
            """)

    @Option(name: .long, help: ArgumentHelp("Only those of this model.", valueName: "name"))
    var model: String?
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(PartialUpdateDocument.init) {
            try await session.registry.partialAggregates(of: model, page: $0)
        }
        try output.listing(
            listing,
            columns: [
                .number("update"), "model", "region", .number("base release"), "rule", .number("modules"),
                .number("inputs"), .number("devices"), "status", "reason",
            ],
            ifEmpty: "No region handed anything over."
        ) { update in
            [
                "\(update.update)", update.model, update.region, "\(update.baseRelease)", update.rule,
                "\(update.modules)", "\(update.inputs)", "\(update.deviceUpdates)", update.status.rawValue,
                update.quarantineReason ?? "",
            ]
        }
    }
}

struct RegionHandOvers: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "hand-overs",
        abstract: "Lists the rounds of this registry, a region, and what became of them at its parent, newest first.",
        discussion: """
            State: empty (nothing to hand over), waiting (the parent does not have it yet; tried again), taken (pending \
            there), aggregated, quarantined (the parent's operator may release it), refused (for good).

            Example:
              registryctl region hand-overs --model minilm
            """)

    @Option(name: .long, help: ArgumentHelp("Only rounds of this model.", valueName: "name"))
    var model: String?
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(HandOverDocument.init) {
            try await session.registry.handOvers(of: model, page: $0)
        }
        try output.listing(
            listing,
            columns: [
                .number("round"), "model", "region", .number("parent release"), .number("updates"),
                .number("samples"), "state", .number("parent update"), .number("attempts"), "changed", "reason",
            ],
            ifEmpty: "Nothing was handed over."
        ) { round in
            [
                "\(round.round)", round.model, round.region, "\(round.parentRelease)", "\(round.updates)",
                "\(round.sampleCount)", round.state, round.parentUpdate.map(String.init) ?? "", "\(round.attempts)",
                round.changedAt.brief, round.reason ?? "",
            ]
        }
    }
}
