public import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

extension LineageDirection: ExpressibleByArgument {}

struct VersionLineage: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "lineage", abstract: "Shows what a module version came from, or what came from it.",
        discussion: """
            A version comes from the version it was trained from and from the updates that a round folded into it, \
            each with its weight. dot is for Graphviz.

            Examples:
              registryctl version lineage minilm l0.m03
              registryctl version lineage minilm l0.m03@1 --direction descendants
              registryctl version lineage minilm l0.m03 --format dot | dot -Tsvg > lineage.svg
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case tree, json, dot
    }

    @Argument(help: "The model's name.")
    var model: String
    @Argument(help: ArgumentHelp("The module; its newest version unless told.", valueName: "module[@version]"))
    var module: ModuleReference
    @Option(name: .long, help: "Which way to go.")
    var direction: LineageDirection = .ancestors
    @Option(name: .long, help: "tree for people, json for programs, dot for Graphviz.")
    var format: Format = .tree
    @Option(name: .long, help: ArgumentHelp("The most edges to show, 1 to 100000.", valueName: "number"))
    var limit = 1000
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit is \(limit); give 1 to 100000") }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let version = try await startVersion(session.registry)
        let (edges, truncated) = try await session.registry.lineage(
            of: model, module: module.module, version: version, direction: direction, limit: limit)
        let graph = LineageGraph(
            model: model, module: module.module, version: version, direction: direction, edges: edges,
            isTruncated: truncated)
        let format = output.format == .json ? Format.json : self.format
        switch format {
        case .json: try CommandOutput(format: .json).result(graph.document) { _ in "" }
        case .dot: try output.result(graph.document) { _ in graph.dot }
        case .tree: try output.result(graph.document) { _ in graph.tree }
        }
        if truncated { output.remark("There is more; raise --limit above \(limit).") }
    }

    private func startVersion(_ registry: Registry) async throws -> Int {
        if let version = module.version { return version }
        let newest = try await registry.versions(of: model, module: module.module, page: PageRequest(size: 1))
        guard let version = newest.items.first?.version else {
            throw CommandFailure(.notFound, "module \(module.module) of \(model) has no version")
        }
        return version
    }
}
