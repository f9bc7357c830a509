public import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

extension ModuleKind: ExpressibleByArgument {}

struct ListModules: RegistryCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the modules of a release, shared parts first, then layer by layer.",
        discussion: """
            Examples:
              registryctl list-modules minilm --layer 2
              registryctl list-modules minilm --release 4 --kind expert --all --output json
            """)

    @Argument(help: "The model's name.")
    var model: String
    @OptionGroup var release: ReleaseOptions
    @Option(name: .long, help: "Only modules of this kind.")
    var kind: ModuleKind?
    @Option(name: .long, help: ArgumentHelp("Only modules of this layer, counted from 0.", valueName: "number"))
    var layer: Int?
    @Option(name: .long, help: ArgumentHelp("Only modules with this in the name.", valueName: "text"))
    var contains = ""
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        if let layer, !(0...255).contains(layer) { throw ValidationError("--layer is \(layer); layers count 0 to 255") }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        // The channel may move between two pages: the release that the first page came from holds for all.
        let record = try await session.registry.release(of: model, release.selector)
        let filter = ModuleFilter(kind: kind, layer: layer, nameContains: contains)
        let listing = try await page.listing({ VersionDocument($0.version, importance: $0.importance) }) {
            try await session.registry.modules(
                of: model, release: .number(record.number), filter: filter, page: $0
            ).modules
        }
        let document = ReleaseModulesDocument(
            model: model, release: record.number, items: listing.items, nextPageToken: listing.nextPageToken)
        var table = Table([
            "module", "kind", .number("layer"), .number("version"), "dtype", .number("bytes"), .number("parameters"),
            .number("flops"), .number("memory"), .number("importance"), "digest",
        ])
        for item in listing.items {
            table.add([
                item.module, item.kind, item.layer.map(String.init) ?? "", "\(item.version)", item.dtype,
                Figure.bytes(item.bytes), "\(item.parameters)", Figure.operations(item.flops),
                Figure.bytes(item.peakMemory), Figure.importance(item.importance ?? 0), item.digest.short,
            ])
        }
        try output.result(document, table: table, ifEmpty: "Release \(record.number) of \(model) has no such module.")
        output.remarkMore(after: listing.nextPageToken)
    }
}

struct ReleaseModulesDocument: Encodable {
    var model: String
    var release: Int
    var items: [VersionDocument]
    var nextPageToken: String
}
