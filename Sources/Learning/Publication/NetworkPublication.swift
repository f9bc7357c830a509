public import ECLMCore
import Foundation

/// A network as the registry takes it: the manifest, and every module's blob.
public struct NetworkPublication: Sendable {
    /// The oldest runtime that runs what is published here.
    public static let minimumRuntime = RuntimeVersion(1, 0, 0)

    /// The network's specification.
    public let specification: NetworkSpecification
    /// Layers, modules, costs, requirements and default importances.
    public let manifest: ModelManifest
    /// The blobs by digest; equal modules share one.
    public let blobs: [Digest: [UInt8]]
    /// The analytic costs by place.
    public let costs: [ModuleSlot: ModuleCosts]

    /// The publication of a whole network.
    ///
    /// - Parameters:
    ///   - network: All its modules must be present.
    ///   - costs: Of ``ModuleCostMeasurement/measure(_:batch:)`` for its specification; measured now when `nil`.
    ///   - importances: The default importance of each module of each layer, for devices that send none:
    ///     ``ImportanceScoring/importances(of:by:topK:)`` of the proxy data. `nil` gives each the same.
    ///   - name: The model's name in the registry; else the specification's.
    ///   - summary: What the model does, for people.
    ///   - dtype: What weights are rounded to: modules in F16 or BF16 are half as large to store and to fetch. Devices
    ///     compute in single precision all the same, so only the cost in bytes is halved.
    /// - Throws: ``LearningError`` with `specification` for a sub-model, importances of another network, weights that are
    ///   not finite or too large for `dtype`.
    public init(
        _ network: ModularNetwork, costs: [ModuleSlot: ModuleCosts]? = nil, importances: [[Double]]? = nil,
        name: String? = nil, summary: String = "", dtype: ElementType = .f32
    ) throws {
        let specification = network.specification
        guard network.modules == specification.layers.map({ Array(0..<$0.choices) }) else {
            throw LearningError(.specification, "only a whole network is published, not a sub-model")
        }
        let importances =
            importances
            ?? specification.layers.map { layer in
                [Double](repeating: 1 / Double(layer.choices), count: layer.choices)
            }
        guard importances.map(\.count) == specification.layers.map(\.choices),
            importances.allSatisfy({ $0.allSatisfy { $0.isFinite && $0 >= 0 } })
        else {
            throw LearningError(
                .specification, "importances must be one number of at least 0 for each module of each layer")
        }
        let operations = try NetworkOperations(specification)
        let costs = try costs ?? ModuleCostMeasurement.measure(specification)
        var modules: [ModelManifest.Module] = []
        var blobs: [Digest: [UInt8]] = [:]
        for slot in network.slots {
            let tensors = try network.tensors(of: slot)
            try tensors.requireFinite(owner: slot.defaultName)
            let bytes = try NetworkBlob.bytes(
                of: tensors, slot: slot, specification: specification, dtype: dtype)
            let digest = Digest.of(bytes)
            blobs[digest] = bytes
            guard var cost = costs[slot] else {
                throw LearningError(.specification, "there are no costs of \(slot.defaultName)")
            }
            cost.bytes = Int64(bytes.count)
            cost.parameters = Int64(tensors.parameterCount)
            modules.append(
                ModelManifest.Module(
                    slot: slot, name: slot.defaultName, digest: digest,
                    tensors: try SafetensorsFile(bytes: bytes, limits: .module).header.entries.map(\.description),
                    costs: cost,
                    requirements: Requirements(
                        dtypes: [dtype], operators: operations.operators(of: slot),
                        minimumRuntime: Self.minimumRuntime),
                    importance: slot.layer.map { importances[$0][slot.index] } ?? 0))
        }
        self.specification = specification
        self.costs = costs
        self.blobs = blobs
        manifest = ModelManifest(
            model: name ?? specification.model, summary: summary,
            layers: specification.layers.map { .init(name: $0.name, block: $0.block.rawValue) }, modules: modules)
    }

    /// Writes `manifest.json` and `blobs/DIGEST.safetensors` into a folder, as `registryctl release publish` reads them. Equal
    /// publications give equal files.
    ///
    /// - Throws: ``LearningError`` with `publication` when the folder cannot be written.
    public func write(to folder: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder + "/blobs", withIntermediateDirectories: true)
            for (digest, bytes) in blobs {
                try Data(bytes).write(
                    to: URL(fileURLWithPath: "\(folder)/blobs/\(digest.hex).safetensors"), options: .atomic)
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            // The manifest last: where it is, all blobs are.
            try encoder.encode(manifest).write(to: URL(fileURLWithPath: folder + "/manifest.json"), options: .atomic)
        } catch {
            throw LearningError(
                .publication, "the publication cannot be written to \(folder): \(error.explanation)", cause: error)
        }
    }
}

extension LearningError.Code {
    /// A model could not be published.
    public static let publication = LearningError.Code(name: "publication", exitStatus: .failure)
}
