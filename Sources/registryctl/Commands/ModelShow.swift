import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct ModelShow: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a model, a module or a module version.",
        discussion: """
            A model comes with its layers and channels, a module with its versions, a version with its tensors, costs, \
            requirements and parents.

            Examples:
              registryctl model show minilm
              registryctl model show minilm/l0.m03
              registryctl model show minilm/l0.m03@2 --output json
            """)

    @Argument(help: ArgumentHelp("What to show.", valueName: "model[/module[@version]]"))
    var object: ObjectReference
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let registry = session.registry
        guard let module = object.module else {
            return try show(ModelDocument(try await registry.model(object.model)), output)
        }
        guard let version = module.version else {
            let versions = try await registry.versions(of: object.model, module: module.module)
            return try show(
                ModuleDocument(
                    model: object.model, module: module.module, versions: versions.items.map { VersionDocument($0) },
                    hasMore: !versions.nextToken.isEmpty),
                output)
        }
        let record = try await registry.version(of: object.model, module: module.module, version: version)
        var document = VersionDocument(record, isWhole: true)
        document.parents = try await registry.lineage(
            of: object.model, module: module.module, version: version, direction: .ancestors
        ).edges.filter { $0.version == version }.map { EdgeDocument($0) }
        try show(document, output)
    }

    private func show(_ model: ModelDocument, _ output: CommandOutput) throws {
        try output.result(model) { width in
            var fields = FieldList()
            fields.add("model", model.model)
            fields.add("summary", model.summary)
            fields.add("modules", model.modules)
            fields.add("newest release", model.newestRelease)
            fields.add("channels", model.channelText)
            fields.add("created", "\(model.createdAt.brief) by \(model.createdBy)")
            var table = Table([.number("layer"), "name", "block", .number("modules")])
            for layer in model.layers { table.add(["\(layer.layer)", layer.name, layer.block, "\(layer.modules)"]) }
            return fields.rendered() + (model.layers.isEmpty ? "" : "\n" + table.rendered(width: width))
        }
    }

    private func show(_ module: ModuleDocument, _ output: CommandOutput) throws {
        try output.result(module) { width in
            var fields = FieldList()
            fields.add("model", module.model)
            fields.add("module", module.module)
            if let newest = module.versions.first {
                fields.add("kind", newest.kind)
                fields.add("layer", newest.layer)
                fields.add("index", newest.index)
            }
            return fields.rendered() + "\n" + VersionList.table(module.versions).rendered(width: width)
        }
        if module.hasMore {
            output.remark("There are older ones: registryctl version list \(module.model) \(module.module) --all")
        }
    }

    private func show(_ version: VersionDocument, _ output: CommandOutput) throws {
        try output.result(version) { width in
            var fields = FieldList()
            fields.add("module", "\(version.model)/\(version.module)@\(version.version)")
            fields.add("kind", version.kind)
            fields.add("layer", version.layer)
            fields.add("index", version.index)
            fields.add("digest", version.digest)
            fields.add("dtype", version.dtype)
            fields.add("bytes", "\(version.bytes) (\(Figure.bytes(version.bytes)))")
            fields.add("parameters", version.parameters)
            fields.add("flops", "\(version.flops) a sample")
            fields.add("peak memory", "\(version.peakMemory) (\(Figure.bytes(version.peakMemory)))")
            fields.add("requires dtypes", version.requirements.dtypes.joined(separator: " "))
            fields.add("requires operators", version.requirements.operators.joined(separator: " "))
            fields.add("requires runtime", version.requirements.minimumRuntime)
            fields.add("origin", version.originText)
            fields.add("state", version.stateText)
            fields.add("created", "\(version.createdAt.brief) by \(version.createdBy)")
            var text = fields.rendered()
            var tensors = Table(["tensor", "dtype", "shape"])
            for tensor in version.tensors ?? [] {
                tensors.add([tensor.name, tensor.dtype.rawValue, Figure.shape(tensor.shape)])
            }
            if !tensors.isEmpty { text += "\n" + tensors.rendered(width: width) }
            var parents = Table(["parent", .number("weight")])
            for parent in version.parents ?? [] { parents.add([parent.parentText, Figure.importance(parent.weight)]) }
            if !parents.isEmpty { text += "\n" + parents.rendered(width: width) }
            return text
        }
    }
}

/// A module and its newest versions.
struct ModuleDocument: Encodable {
    var model: String
    var module: String
    var versions: [VersionDocument]
    var hasMore: Bool
}
