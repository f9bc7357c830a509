import ArgumentParser

struct ReleaseCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Lists and publishes the releases of a model, and tells what they may give away of a device.",
        discussion: """
            Example:
              registryctl release list minilm
            """,
        subcommands: [ReleaseList.self, ReleasePublish.self, ReleasePrivacy.self])
}
