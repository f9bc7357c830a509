import ArgumentParser

struct ModelCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Lists, shows, imports and composes models.",
        discussion: """
            Example:
              registryctl model list
            """,
        subcommands: [ModelList.self, ModelShow.self, ModelImport.self, ModelCompose.self])
}
