import ECLMCore
import Foundation
import Learning
import PythonReference
import Testing

@Suite("A network's publication")
struct NetworkPublicationTests {
    static let specifications = [SmallNetworks.dense, SmallNetworks.convolution]

    private func network(_ specification: NetworkSpecification) throws -> ModularNetwork {
        let network = try ModularNetwork(specification, seed: 3)
        try SmallNetworks.moved(network, seed: 4)
        return network
    }

    private func blobs(_ network: ModularNetwork) throws -> [ModuleSlot: [UInt8]] {
        Dictionary(uniqueKeysWithValues: try network.slots.map { ($0, try network.blob(of: $0)) })
    }

    @Test("gives blobs that alone make the network, a sub-model and the selector", arguments: specifications)
    func blobsAlone(_ specification: NetworkSpecification) throws {
        let network = try network(specification)
        let x = try SmallNetworks.examples(specification, count: 6).batch(0..<6)
        let blobs = try blobs(network)
        let again = try ModularNetwork(fromBlobs: blobs)
        #expect(again.specification == specification)
        #expect(try again.forward(x).logits.scalars() == network.forward(x).logits.scalars())
        let subset = try network.subset([[0, 2], [1]])
        let part = try ModularNetwork(fromBlobs: self.blobs(subset))
        #expect(part.modules == [[0, 2], [1]])
        #expect(try part.forward(x).logits.scalars() == subset.forward(x).logits.scalars())
        let selector = try Selector(fromBlob: try #require(blobs[.selector]))
        #expect(try selector.gates(x).map { try $0.scalars() } == network.selector.gates(x).map { try $0.scalars() })
        #expect(try NetworkSpecification(fromBlob: try #require(blobs[.stem])) == specification)
    }

    @Test("is refused as a network where parts are missing, strange or not finite")
    func unfit() throws {
        let network = try network(SmallNetworks.dense)
        let good = try blobs(network)
        let other = try blobs(self.network(SmallNetworks.convolution))
        let bypass = SmallNetworks.dense.slot(layer: 0, module: 4)
        let expert = SmallNetworks.dense.slot(layer: 0, module: 1)
        var notFinite = try network.tensors(of: expert)
        notFinite.entries[0].values[0] = .nan
        var changes: [(inout [ModuleSlot: [UInt8]]) throws -> Void] = [
            { $0[.stem] = nil }, { $0[.head] = nil }, { $0[.selector] = nil }, { $0[.selector] = other[.selector] },
            { $0[.stem] = other[.stem] }, { $0[.stem] = good[expert] }, { $0[expert] = good[bypass] },
            { $0[expert] = Array(good[expert]?.dropLast() ?? []) }, { $0[expert] = [] },
            { $0[expert] = try notFinite.safetensors() },
            { $0[ModuleSlot(kind: .expert, layer: 9, index: 0)] = good[expert] },
            { $0[ModuleSlot(kind: .expert, layer: 0, index: 4)] = good[bypass] },
        ]
        // A layer without any module.
        changes.append { blobs in blobs = blobs.filter { $0.key.layer != 1 } }
        for change in changes {
            var blobs = good
            try change(&blobs)
            #expect { try ModularNetwork(fromBlobs: blobs) } throws: {
                ($0 as? LearningError)?.code == .specification
            }
        }
        #expect { try Selector(fromBlob: good[expert] ?? []) } throws: {
            ($0 as? LearningError)?.code == .specification
        }
    }

    @Test("has a manifest with every module, its costs, needs and importance", arguments: specifications)
    func manifest(_ specification: NetworkSpecification) throws {
        let network = try network(specification)
        let data = try SmallNetworks.examples(specification, count: 40)
        let importances = try ImportanceScoring.importances(of: data, by: network.selector)
        for layer in importances { #expect(abs(layer.reduce(0, +) - 1) < 1e-5) }
        let publication = try NetworkPublication(network, importances: importances, summary: "small")
        let manifest = publication.manifest
        #expect(manifest.model == specification.model && manifest.layers.map(\.name) == ["a", "b"])
        #expect(manifest.modules.map(\.slot) == network.slots)
        for module in manifest.modules {
            let bytes = try #require(publication.blobs[module.digest])
            #expect(Digest.of(bytes) == module.digest && Int64(bytes.count) == module.costs.bytes)
            #expect(module.requirements.dtypes == [.f32] && !module.requirements.operators.isEmpty)
            if let layer = module.slot.layer { #expect(module.importance == importances[layer][module.slot.index]) }
        }
        #expect(throws: LearningError.self) { try NetworkPublication(network.subset([[0], [0]])) }
        #expect(throws: LearningError.self) { try NetworkPublication(network, importances: [[1], [1]]) }
        let folder = try TemporaryFolder()
        try publication.write(to: folder.path)
        let written = try Data(contentsOf: URL(fileURLWithPath: folder.file("manifest.json")))
        #expect(try JSONDecoder().decode(ModelManifest.self, from: written) == manifest)
        try NetworkPublication(network, importances: importances, summary: "small").write(to: folder.path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("manifest.json"))) == written)
        #expect(throws: LearningError.self) { try publication.write(to: "/proc/nowhere") }
    }

    @Test(
        "in half precision has modules of half the size, which make the network to rounding", arguments: specifications)
    func halfPrecision(_ specification: NetworkSpecification) throws {
        let network = try network(specification)
        let single = try NetworkPublication(network)
        let header = { (bytes: [UInt8]) in try SafetensorsFile(bytes: bytes).header }
        for (dtype, precision) in [(ElementType.f16, Float(0x1p-11)), (.bf16, 0x1p-8)] {
            let half = try NetworkPublication(network, dtype: dtype)
            for (small, large) in zip(half.manifest.modules, single.manifest.modules) {
                #expect(small.requirements.dtypes == [dtype] && small.tensors.allSatisfy { $0.dtype == dtype })
                let (file, other) = (try #require(half.blobs[small.digest]), try #require(single.blobs[large.digest]))
                #expect(
                    (try header(other).byteCount - header(other).dataOffset) == 2
                        * (try header(file).byteCount - header(file).dataOffset))
                #expect(small.costs.bytes == Int64(file.count) && small.costs.peakMemory == large.costs.peakMemory)
                let (rounded, exact) = (try ModuleTensors(safetensors: file), try ModuleTensors(safetensors: other))
                for (rounded, exact) in zip(rounded.entries, exact.entries) {
                    #expect(
                        zip(rounded.values, exact.values).allSatisfy { abs($0 - $1) <= abs($1) * precision + 0x1p-24 })
                }
            }
            // What a device makes of the blobs, it writes as the same blobs.
            let blobs = Dictionary(
                uniqueKeysWithValues: half.manifest.modules.map { ($0.slot, half.blobs[$0.digest] ?? []) })
            let again = try ModularNetwork(fromBlobs: blobs)
            for slot in network.slots { #expect(try again.blob(of: slot, dtype: dtype) == blobs[slot]) }
        }
    }

    @Test("is refused in half precision where a weight is beyond it")
    func tooLarge() throws {
        let tensors = ModuleTensors([.init(name: "w", shape: [2], values: [1, -65_520])])
        #expect { try tensors.safetensors(dtype: .f16) } throws: {
            ($0 as? LearningError)?.message.contains("BF16") ?? false
        }
        #expect(try ModuleTensors(safetensors: tensors.safetensors(dtype: .bf16)).entries[0].values[0] == 1)
        let largest = ModuleTensors([.init(name: "w", shape: [1], values: [65_519])])
        #expect(try ModuleTensors(safetensors: largest.safetensors(dtype: .f16)).entries[0].values == [65_504])
    }

    @Test("takes the gradients of a view to the network it views")
    func view() throws {
        for specification in Self.specifications {
            let network = try network(specification)
            let data = try SmallNetworks.examples(specification, count: 8)
            let x = try data.batch(0..<8)
            let modules = [[0, 2, 4], [1, 3]]
            let (view, subset) = (try network.view(modules), try network.subset(modules))
            #expect(try view.forward(x).logits.scalars() == subset.forward(x).logits.scalars())
            try view.forward(x).logits.crossEntropy(labels: data.labels).backward()
            try subset.forward(x).logits.crossEntropy(labels: data.labels).backward()
            for (own, other) in zip(network.parameters, subset.parameters) where own.part != .selector {
                let gradient = try own.tensor.gradient()
                let expected = try other.tensor.gradient()
                let values = try #require(gradient).scalars()
                let wanted = try #require(expected).scalars()
                // Modules outside the view get zeros; what is in it gets what the subset gets.
                let rest = values.filter { $0 != 0 }.sorted()
                let same = wanted.filter { $0 != 0 }.sorted()
                #expect(rest.count == same.count)
                for (value, other) in zip(rest, same) { #expect(abs(value - other) < 1e-5) }
            }
            #expect(throws: LearningError.self) { try network.view([[9], [0]]) }
        }
    }

    @Test("of a dense network: its modules sum to it exactly, and grow into the same function")
    func decomposition() throws {
        for specification in Self.specifications {
            let dense = try ModularNetwork(specification, seed: 5, gating: .unit(1))
            let data = try SmallNetworks.examples(specification, count: 48)
            _ = try train(dense, on: data, settings: TrainingSettings(epochs: 2, rate: 0.01), seed: 1)
            let x = try data.batch(0..<48)
            let expected = try dense.forward(x).logits.scalars()
            // Decomposed: from the modules' own files, one by one.
            let decomposed = try ModularNetwork(specification, modules: dense.modules, gating: .unit(1)) {
                try ModuleTensors(safetensors: dense.tensors(of: $0).safetensors())
            }
            #expect(try decomposed.forward(x).logits.scalars() == expected)
            // Grown: gates that sum to 1 instead of gates of 1.
            let grown = try ModularNetwork.grown(from: dense, seed: 2)
            var options = ForwardOptions()
            options.topK = .max
            let logits = try grown.forward(x, options: options).logits.scalars()
            let tolerance: Float = 2e-5 * max(1, expected.map { abs($0) }.max() ?? 0)
            for (value, wanted) in zip(logits, expected) { #expect(abs(value - wanted) < tolerance) }
        }
    }
}
