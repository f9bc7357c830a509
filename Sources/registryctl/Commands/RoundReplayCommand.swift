import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms
import Trainer

struct RoundReplayCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Computes a past round again from its recorded inputs and compares the digests; changes nothing.",
        discussion: """
            The inputs are the round's updates, the versions they were trained from, the base release, and the rule and \
            policy revision that the round recorded. Bytes and weights must come out bit for bit. Versions that rollbacks \
            without a device made of the round are computed again as well. Ends with 7 where a module does not come out. \
            Private rounds need a login with the role eclm_trainer, which may read what their noise was drawn from; others end \
            with 4.

            Examples:
              registryctl round replay minilm 17
              registryctl round replay minilm --all
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Argument(help: "The round's number.")
    var round: Int?
    @Flag(name: .long, help: "Every round of the model, one after the other.")
    var all = false
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (round != nil) != all else { throw ValidationError("name a round, or --all of them") }
        guard round ?? 1 >= 1 else { throw ValidationError("rounds are numbered from 1") }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let replayer = RoundReplayer(registry: session.registry)
        guard let round else { return try await replayAll(replayer, session, output) }
        let document = ReplayDocument(try await replayer.replay(round: round, of: model))
        // The document is the result also where something differs: the status tells.
        try output.result(document) { width in Self.text(document, width: width) }
        try check(document)
    }

    private func replayAll(
        _ replayer: RoundReplayer, _ session: RegistrySession, _ output: CommandOutput
    ) async throws {
        let newest = try await session.registry.rounds(of: model, page: PageRequest(size: 1)).items.first?.number ?? 0
        var summary = ReplaySummaryDocument(model: model)
        for number in stride(from: 1, through: newest, by: 1) {
            summary.add(ReplayDocument(try await replayer.replay(round: number, of: model)))
        }
        try output.result(summary) { width in
            summary.different.map { Self.text($0, width: width) + "\n" }.joined()
                + "\(summary.rounds) rounds of \(model) with \(summary.modules) modules were computed again; "
                + "\(summary.different.count) of them differ.\n"
        }
        for document in summary.different { try check(document) }
    }

    private func check(_ document: ReplayDocument) throws {
        let different = document.modules.filter { !$0.equal }
        guard let first = different.first else { return }
        throw CommandFailure(
            .verificationFailed,
            "\(different.count) of \(document.modules.count) modules of round \(document.round) of \(model) are not what "
                + "their recorded inputs give, the first \(first.module)" + (first.problem.map { ": \($0)" } ?? ""),
            hint: "`registryctl doctor --sample 1000` looks for damaged blobs; restore them from a backup")
    }

    private static func text(_ document: ReplayDocument, width: Int?) -> String {
        var table = Table([
            "module", .number("from version"), .number("to version"), "without", .number("updates"), "recorded",
            "recomputed",
            "equal", "problem",
        ])
        for module in document.modules {
            table.add([
                module.module, "\(module.baseVersion)", module.version.map(String.init) ?? "kept",
                module.withoutDevice ?? "", "\(module.updates)", brief(module.recorded),
                module.recomputed.map(brief) ?? "",
                module.equal ? "yes" : "no", module.problem ?? "",
            ])
        }
        let policy = document.policyRevision.map { " of policy \($0)" } ?? ""
        let head =
            "Round \(document.round) of \(document.model): \(document.updates) updates onto release "
            + "\(document.baseRelease) by \(document.rule)\(policy).\n"
        return table.isEmpty ? head + "It changed no module.\n" : head + "\n" + table.rendered(width: width)
    }

    /// As many hexadecimal digits as tell digests apart; JSON has them all.
    private static func brief(_ digest: String) -> String { String(digest.prefix(23)) }
}
