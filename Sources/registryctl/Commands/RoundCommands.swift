import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct RoundCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "round", abstract: "Lists the rounds of a model, asks for one, and computes past ones again.",
        discussion: """
            Examples:
              registryctl round list minilm
              registryctl round run minilm --wait 2m
              registryctl round replay minilm 17
            """,
        subcommands: [RoundList.self, RoundRun.self, RoundReplayCommand.self])
}

struct RoundList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the rounds of a model, newest first.",
        discussion: """
            Example:
              registryctl round list minilm
            """)

    @Argument(help: "The model's name.")
    var model: String
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        for obstacle in try await session.registry.roundObstacles(of: model) { output.remark(obstacle.text) }
        let listing = try await page.listing(RoundDocument.init) {
            try await session.registry.rounds(of: model, page: $0)
        }
        try output.listing(
            listing,
            columns: [
                .number("round"), .number("base release"), .number("release"), "rule", .number("policy"),
                .number("updates"), .number("versions"), "trainer", "committed",
            ],
            ifEmpty: "Model \(model) has had no round."
        ) { round in
            [
                "\(round.round)", "\(round.baseRelease)", round.release.map(String.init) ?? "", round.rule,
                round.policyRevision.map(String.init) ?? "", "\(round.updates)", "\(round.versions)", round.trainer,
                round.committedAt.brief,
            ]
        }
    }
}

extension RoundObstacle {
    /// The obstacle as a sentence.
    var text: String {
        "\(waiting) update\(waiting == 1 ? " waits" : "s wait"), and no round could be made since \(Timestamp(since).brief) "
            + "(\(attempts) attempt\(attempts == 1 ? "" : "s"), the last by \(trainer)): \(problem)"
    }
}
