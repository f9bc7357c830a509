import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct ChannelCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channel", abstract: "Lists, moves, takes back and traces the channels of a model.",
        discussion: """
            A channel is a name that points to a release: devices follow one.

            Example:
              registryctl channel list minilm
            """,
        subcommands: [ChannelList.self, ChannelMoveCommand.self, ChannelRollback.self, ChannelHistory.self])
}

struct ChannelList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the channels of a model.",
        discussion: """
            Example:
              registryctl channel list minilm
            """)

    @Argument(help: "The model's name.")
    var model: String
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let record = try await session.registry.model(model)
        let listing = Listing(items: record.channels, nextPageToken: "")
        try output.listing(
            listing, columns: ["channel", .number("release")],
            ifEmpty: "Model \(model) has no channel; publish or `registryctl channel move` makes one."
        ) { [$0.channel, "\($0.release)"] }
    }
}

struct ChannelMoveCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "move", abstract: "Points a channel to a release; makes the channel when it is new.",
        discussion: """
            To take devices back to older versions use `channel rollback`, which also withdraws what it leaves behind.

            Example:
              registryctl channel move minilm canary --to-release 4 --reason "try round 3 on the canaries"
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Argument(help: "The channel's name.")
    var channel: String
    @Option(name: .long, help: ArgumentHelp("The number of the release to point to.", valueName: "number"))
    var toRelease: Int
    @Option(name: .long, help: ArgumentHelp("Why; recorded in the channel's history.", valueName: "text"))
    var reason = ""
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let release = ReleaseDocument(
            try await session.registry.moveChannel(
                of: model, channel: channel, to: toRelease, as: database.provenance(reason: reason)))
        try output.result(release) { _ in "Channel \(channel) of \(model) points to release \(release.release).\n" }
    }
}

struct ChannelHistory: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Lists the moves of a channel, newest first: who, when, why.",
        discussion: """
            Example:
              registryctl channel history minilm stable
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Argument(help: "The channel's name.")
    var channel: String
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(ChannelMoveDocument.init) {
            try await session.registry.channelHistory(of: model, channel: channel, page: $0)
        }
        try output.listing(
            listing,
            columns: [.number("revision"), .number("from"), .number("to"), "action", "moved", "by", "reason"],
            ifEmpty: "There is no earlier move."
        ) { move in
            [
                "\(move.revision)", move.fromRelease.map(String.init) ?? "", "\(move.toRelease)", move.action.rawValue,
                move.movedAt.brief, move.movedBy, move.reason,
            ]
        }
    }
}
