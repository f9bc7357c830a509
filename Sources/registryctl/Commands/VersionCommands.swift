import ArgumentParser

struct VersionCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Lists the versions of a module, and where one came from.",
        discussion: """
            Example:
              registryctl version list minilm l0.m03
            """,
        subcommands: [VersionList.self, VersionLineage.self])
}
