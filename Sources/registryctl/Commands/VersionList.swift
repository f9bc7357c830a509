import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct VersionList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the versions of a module, newest first.",
        discussion: """
            Example:
              registryctl version list minilm l0.m03
            """)

    @Argument(help: "The model's name.")
    var model: String
    @Argument(help: "The module's name.")
    var module: String
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    static func table(_ versions: [VersionDocument]) -> Table {
        var table = Table(columns)
        for version in versions { table.add(row(version)) }
        return table
    }

    private static let columns: [Table.Column] = [
        .number("version"), "origin", "state", "dtype", .number("bytes"), "digest", "created", "by",
    ]

    private static func row(_ version: VersionDocument) -> [String] {
        [
            "\(version.version)", version.originText, version.stateText, version.dtype, Figure.bytes(version.bytes),
            version.digest.short, version.createdAt.brief, version.createdBy,
        ]
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing({ VersionDocument($0) }) {
            try await session.registry.versions(of: model, module: module, page: $0)
        }
        try output.listing(
            listing, columns: Self.columns, ifEmpty: "There is no older version.", row: Self.row)
    }
}
