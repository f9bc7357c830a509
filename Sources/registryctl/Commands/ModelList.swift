import ArgumentParser
import CommandSupport
import Registry
import RegistryPrograms

struct ModelList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the models.",
        discussion: """
            Example:
              registryctl model list --contains mini
            """)

    @Option(name: .long, help: ArgumentHelp("Only models with this in the name.", valueName: "text"))
    var contains = ""
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(ModelDocument.init) {
            try await session.registry.models(nameContaining: contains, page: $0)
        }
        try output.listing(
            listing,
            columns: [
                "model", .number("layers"), .number("modules"), .number("newest release"), "channels", "summary",
            ],
            ifEmpty: "There is no model; `registryctl model import` or `registryctl release publish` brings one."
        ) { model in
            [
                model.model, "\(model.layers.count)", "\(model.modules)",
                model.newestRelease.map(String.init) ?? "", model.channelText, model.summary,
            ]
        }
    }
}
