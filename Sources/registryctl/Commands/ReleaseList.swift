import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct ReleaseList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the releases of a model, newest first.",
        discussion: """
            Example:
              registryctl release list minilm --limit 10
            """)

    @Argument(help: "The model's name.")
    var model: String
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(ReleaseDocument.init) {
            try await session.registry.releases(of: model, page: $0)
        }
        try output.listing(
            listing,
            columns: [.number("release"), .number("parent"), "origin", "state", "channels", "created", "by", "reason"],
            ifEmpty: "Model \(model) has no release."
        ) { release in
            [
                "\(release.release)", release.parent.map(String.init) ?? "",
                release.round.map { "round \($0)" } ?? release.origin.rawValue,
                release.withdrawn ? "withdrawn" : "in service",
                release.channels.joined(separator: " "), release.createdAt.brief, release.createdBy, release.reason,
            ]
        }
    }
}
