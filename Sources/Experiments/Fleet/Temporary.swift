import Core
import Learning

// Until the offline stage brings its own.
enum ModuleCostMeasurement {
    static func measure(_ network: NetworkSpecification, batch: Int) throws -> [ModuleSlot: ModuleCosts] {
        let net = try ModularNetwork(network, seed: 1)
        func peak(_ modules: [[Int]]) throws -> Int64 {
            let sub = try net.subset(modules)
            let data = try TrainingData(
                shape: network.input, values: [Float](repeating: 0.1, count: batch * network.input.reduce(1, *)),
                labels: (0..<batch).map { $0 % network.classes })
            return Int64(try TrainingProbe(sub, data: data, batch: batch).peakMemory)
        }
        let all = network.allModules
        let full = try peak(all)
        var costs: [ModuleSlot: ModuleCosts] = [:]
        var rest = full
        for (layer, modules) in all.enumerated() {
            var fewer = all
            fewer[layer] = [0]
            let slope = try max(1, (full - peak(fewer)) / Int64(max(1, modules.count - 1)))
            for module in modules {
                let slot = network.slot(layer: layer, module: module)
                let tensors = try net.tensors(of: slot)
                costs[slot] = ModuleCosts(
                    bytes: Int64(try tensors.safetensors().count), parameters: Int64(tensors.parameterCount), flops: 1,
                    peakMemory: slope)
                rest -= slope
            }
        }
        for slot in [ModuleSlot.stem, .head, .selector] {
            let tensors = try net.tensors(of: slot)
            costs[slot] = ModuleCosts(
                bytes: Int64(try tensors.safetensors().count), parameters: Int64(tensors.parameterCount), flops: 1,
                peakMemory: slot.kind == .stem ? max(0, rest) : 0)
        }
        return costs
    }
}
extension Fleet {
    func cloudPrototype(_ kind: Artifacts.Kind) throws -> CloudPrototype {
        let weights = try artifacts[kind]
        var blobs: [Digest: [UInt8]] = [:]
        var modules: [ModelManifest.Module] = []
        for slot in weights.tensors.keys.sorted() {
            let bytes = try weights.part(slot).safetensors()
            let digest = Digest.of(bytes)
            blobs[digest] = bytes
            modules.append(
                .init(
                    slot: slot, name: slot.defaultName, digest: digest, tensors: try SafetensorsFile(bytes: bytes).header.tensors,
                    costs: costs.costs[slot]!, requirements: Requirements(), importance: slot.kind.isShared ? 0 : 0.1))
        }
        return CloudPrototype(
            manifest: ModelManifest(
                model: network.model, summary: "", layers: network.layers.map { .init(name: $0.name, block: $0.block.rawValue) },
                modules: modules), blobs: blobs)
    }
}
