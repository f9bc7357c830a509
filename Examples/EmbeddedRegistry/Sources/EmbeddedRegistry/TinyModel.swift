import ECLMCore
import Registry

/// A model of two layers with four experts each, the larger ones more important, and weights that nobody trained.
enum TinyModel {
    static let name = "tiny"
    /// A class of devices that can run it.
    static let deviceClass = "phone"

    /// Publishes the model to the channel `stable`: its weights first, then the release that names them. Equal content makes
    /// no new release, so a server may do this at every start.
    static func publish(to registry: Registry) async throws -> PublicationResult {
        var generator = SplitMix64(seed: 1)
        var modules = [
            try await module(.init(kind: .stem, layer: nil, index: 0), width: 4, in: registry, &generator),
            try await module(.init(kind: .head, layer: nil, index: 0), width: 2, in: registry, &generator),
        ]
        for layer in 0..<2 {
            for index in 0..<4 {
                let slot = ModuleSlot(kind: .expert, layer: layer, index: index)
                modules.append(try await module(slot, width: 8 << index, in: registry, &generator))
            }
        }
        let manifest = ModelManifest(
            model: name, summary: "Two layers of four experts.",
            layers: (0..<2).map { .init(name: "layers.\($0)", block: "feed_forward") },
            modules: modules)
        return try await registry.publish(
            manifest, channel: "stable", as: Provenance(actor: "embedded-registry", reason: "an example"))
    }

    /// Says what a device of the class has: what its sub-models must keep to where it asks for nothing less.
    static func defineDeviceClass(in registry: Registry) async throws {
        _ = try await registry.defineDeviceClass(
            deviceClass,
            traits: DeviceTraits(
                memory: 1500, flops: 1 << 20, dtypes: [.f32], operators: ["linear"], runtime: RuntimeVersion(1)),
            as: Provenance(actor: "embedded-registry"))
    }

    /// Stores random weights of the shape (width, 4), and describes them.
    private static func module(
        _ slot: ModuleSlot, width: Int, in registry: Registry, _ generator: inout SplitMix64
    ) async throws -> ModelManifest.Module {
        var file = SafetensorsBuilder()
        let weights = (0..<4 * width).map { _ in Float.random(in: -1...1, using: &generator) }
        try file.add("weight", shape: [width, 4], dtype: .f32, floats: weights)
        let bytes = try file.build()
        let digest = Digest.of(bytes)
        try await registry.blobs.put(bytes, digest: digest)
        return ModelManifest.Module(
            slot: slot, name: slot.defaultName, digest: digest, tensors: [],
            // What is in the weights, publishing finds out by itself.
            costs: ModuleCosts(
                bytes: 0, parameters: 0, flops: Int64(8 * width), peakMemory: Int64(bytes.count + 4 * width)),
            requirements: Requirements(
                dtypes: [.f32], operators: ["linear"], minimumRuntime: RuntimeVersion(1, 0, 0)),
            importance: Double(width) / 64)
    }
}
