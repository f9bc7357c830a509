import Decomposition
import ECLMCore
import Foundation
import PythonReference
import Synchronization
import Testing

@Suite("A feed-forward block becomes modules")
struct FeedForwardTests {
    @Test("that hold consecutive inner neurons, with the down bias outside")
    func slices() async throws {
        let sink = MemorySink()
        let manifest = try await Small.decomposer().decompose(try Small.checkpoint(), into: sink)
        #expect(manifest.layers == [.init(name: "block", block: "feed_forward")])
        #expect(manifest.modules.map(\.name) == ["stem0", "l0.m00", "l0.m01"])
        #expect(await sink.order == manifest.modules.map(\.digest))

        let blobs = await sink.blobs
        let files = try manifest.modules.map { try SafetensorsFile(bytes: try #require(blobs[$0.digest])) }
        #expect(files.map { Set($0.tensors.map(\.name)) }[0] == ["embed", "down.b"])
        #expect(try files[1].tensor("up.weight").floats() == (0..<9).map { Float($0) / 8 - 1 })
        #expect(files[1]["up.weight"]?.shape == [3, 3])
        #expect(try files[2].tensor("up.bias").floats() == [0, 1])
        #expect(try files[1].tensor("down.weight").floats() == [1, 0.75, 0.5, -0.25, -0.5, -0.75])
        #expect(try files[2].tensor("down.weight").floats() == [0.25, 0, -1, -1.25])
        #expect(files[2]["down.weight"]?.shape == [2, 2])
        #expect(files[1].header.metadata["eclm.inner"] == "0-2 of 5")
        #expect(files[2].header.metadata["eclm.inner"] == "3-4 of 5")
        #expect(files[2].header.metadata["eclm.activation"] == "relu")
    }

    @Test("with sizes that differ by at most one", arguments: [1, 2, 3, 4, 5])
    func sizes(modules: Int) async throws {
        let decomposer = try Small.decomposer(Small.specification(layers: Small.layer(modules: modules)))
        let manifest = try await decomposer.decompose(try Small.checkpoint(), into: MemorySink())
        let widths = manifest.modules.filter { $0.slot.kind == .expert }.map { module in
            module.tensors.first { $0.name == "up.bias" }?.shape[0] ?? 0
        }
        #expect(widths.count == modules)
        #expect(widths.reduce(0, +) == 5)
        #expect((widths.max() ?? 0) - (widths.min() ?? 0) <= 1)
    }

    @Test("whose sum is the block computed by hand")
    func sum() async throws {
        let sink = MemorySink()
        let decomposer = try Small.decomposer()
        let checkpoint = try Small.checkpoint()
        let manifest = try await decomposer.decompose(checkpoint, into: sink)
        let blobs = await sink.blobs
        let modules = try manifest.modules.filter { $0.slot.kind == .expert }.map {
            try SafetensorsFile(bytes: try #require(blobs[$0.digest]))
        }
        let layer = decomposer.specification.layers[0]
        let block = try ReferenceBlock(sumOf: modules, of: layer, outer: checkpoint)
        // up(-1, 1, 2) + bias = relu(-0.875, -1.125, 0.375, 0.875, 2.625) = (0, 0, 0.375, 0.875, 2.625)
        // down = (0.5 * 0.375 + 0.25 * 0.875, -0.75 * 0.375 - 0.875 - 1.25 * 2.625) + (10, -10)
        #expect(block.evaluate([-1, 1, 2], extent: InputExtent()) == [10.40625, -14.4375])
        let one = try ReferenceBlock(sumOf: [modules[1]], of: layer, outer: checkpoint)
        #expect(one.evaluate([-1, 1, 2], extent: InputExtent()) == [10.21875, -14.15625])
    }

    @Test("of either weight layout")
    func inputsFirst() async throws {
        var builder = SafetensorsBuilder()
        let up = (0..<15).map { Float($0) / 8 - 1 }
        let down = (0..<10).map { 1 - Float($0) / 4 }
        try builder.add("up.w", shape: [3, 5], floats: (0..<15).map { up[$0 % 5 * 3 + $0 / 5] })
        try builder.add("up.b", shape: [5], floats: [0.5, -0.5, 0.25, 0, 1])
        try builder.add("down.w", shape: [5, 2], floats: (0..<10).map { down[$0 % 2 * 5 + $0 / 2] })
        try builder.add("down.b", shape: [2], floats: [10, -10])
        let checkpoint = try SafetensorsFile(bytes: try builder.build())
        let json = Small.specification(layers: Small.layer(modules: 3, more: #", "weight_layout": "in_out""#))
        let decomposer = try Small.decomposer(json)
        let manifest = try await decomposer.decompose(checkpoint, into: MemorySink())
        #expect(manifest.modules[1].tensors.first { $0.name == "up.weight" }?.shape == [3, 2])
        let dense = try ReferenceBlock(dense: decomposer.specification.layers[0], of: checkpoint)
        #expect(dense.evaluate([-1, 1, 2], extent: InputExtent()) == [10.40625, -14.4375])
        let verified = try decomposer.verify(checkpoint)
        #expect(verified.count == 1 && verified[0].holds(within: 1e-6))
    }

    @Test("in every floating-point type", arguments: [ElementType.f64, .f16, .bf16])
    func types(dtype: ElementType) async throws {
        var builder = SafetensorsBuilder()
        for tensor in try Small.checkpoint().tensors {
            try builder.add(tensor.name, shape: tensor.shape, dtype: dtype, floats: try tensor.floats())
        }
        let checkpoint = try SafetensorsFile(bytes: try builder.build())
        let manifest = try await Small.decomposer().decompose(checkpoint, into: MemorySink())
        #expect(manifest.modules.allSatisfy { $0.requirements.dtypes == [dtype] })
        let verified = try Small.decomposer().verify(checkpoint)
        #expect(verified[0].maximumDifference < 1e-5)
    }

    @Test("with costs that follow from the shapes")
    func costs() async throws {
        let sink = MemorySink()
        let json = Small.specification(
            more: #", "minimum_runtime": "1.2", "importance": "uniform", "input": {"tokens": 7}"#)
        let manifest = try await Small.decomposer(json).decompose(try Small.checkpoint(), into: sink)
        let blobs = await sink.blobs
        let module = manifest.modules[1]
        #expect(module.costs.bytes == Int64(blobs[module.digest]?.count ?? 0))
        #expect(module.costs.parameters == 9 + 3 + 6)
        // Products 2*7*(3*3 + 3*2), bias and activation 2*7*3, sum 7*2.
        #expect(module.costs.flops == 210 + 42 + 14)
        #expect(module.costs.peakMemory == 4 * (18 + 7 * (3 + 3 + 2)))
        #expect(module.requirements.operators == ["linear", "relu"])
        #expect(module.requirements.minimumRuntime == RuntimeVersion(1, 2))
        #expect(manifest.modules[1...].map(\.importance) == [0.5, 0.5])
        let stem = manifest.modules[0]
        #expect(stem.costs.parameters == 14)
        #expect(stem.costs.flops == 2 * 12 * 7)
    }

    @Test("whose default importance is their share in the weight norm")
    func importance() async throws {
        let manifest = try await Small.decomposer().decompose(try Small.checkpoint(), into: MemorySink())
        func norm(_ values: [Double]) -> Double { values.map { $0 * $0 }.reduce(0, +).squareRoot() }
        let up = (0..<15).map { Double($0) / 8 - 1 }
        let down = (0..<10).map { 1 - Double($0) / 4 }
        let first = norm(Array(up[..<9])) * norm(Array(down[..<3] + down[5..<8]))
        let second = norm(Array(up[9...])) * norm(Array(down[3..<5] + down[8...]))
        let found = manifest.modules[1...].map(\.importance)
        #expect(abs(found[0] - first / (first + second)) < 1e-12)
        #expect(abs(found.reduce(0, +) - 1) < 1e-12)
    }

    @Test("and a bypass where asked for, without weights or importance")
    func bypass() async throws {
        let sink = MemorySink()
        let json = Small.specification(layers: Small.layer(more: #", "bypass": true"#))
        let manifest = try await Small.decomposer(json).decompose(try Small.checkpoint(), into: sink)
        let bypass = try #require(manifest.modules.first { $0.slot.kind == .bypass })
        #expect(bypass.slot == ModuleSlot(kind: .bypass, layer: 0, index: 2))
        #expect(bypass.tensors.isEmpty && bypass.importance == 0 && bypass.costs.flops == 0)
        let blobs = await sink.blobs
        #expect(try SafetensorsFile(bytes: try #require(blobs[bypass.digest])).tensors.isEmpty)
    }

    @Test("the same ones every time, in a folder that can be published from")
    func determinism() async throws {
        let folder = try TemporaryFolder()
        let checkpoint = try Small.checkpoint()
        let seen = Mutex<[DecompositionProgress]>([])
        let first = try await Small.decomposer().decompose(
            checkpoint, into: try BlobDirectory(path: folder.file("a/b")),
            progress: { step in seen.withLock { $0.append(step) } })
        let second = try await Small.decomposer().decompose(checkpoint, into: try BlobDirectory(path: folder.file("c")))
        #expect(first == second)
        let directory = try BlobDirectory(path: folder.file("a/b"))
        let manifest = try Data(contentsOf: URL(fileURLWithPath: directory.manifestPath))
        #expect(try manifest == Data(contentsOf: URL(fileURLWithPath: folder.file("c/manifest.json"))))
        #expect(try JSONDecoder().decode(ModelManifest.self, from: manifest) == first)
        for module in first.modules {
            let file = try SafetensorsFile(path: directory.blobPath(module.digest))
            #expect(file.header.tensors == module.tensors)
            #expect(file.withUnsafeBytes { Digest.of($0) } == module.digest)
        }
        let steps = seen.withLock { $0 }
        #expect(steps.map(\.modulesDone) == [1, 2, 3])
        #expect(steps.last?.bytes == first.modules.map(\.costs.bytes).reduce(0, +))
    }

    @Test("or none, with the sink's error, when the sink is full")
    func fullSink() async throws {
        let checkpoint = try Small.checkpoint()
        let error = await #expect(throws: DecompositionError.self) {
            try await Small.decomposer().decompose(checkpoint, into: FullSink(room: 1))
        }
        #expect(error?.code == .output)
        #expect(error?.cause is FullSink.Full)
        #expect(error?.message.hasPrefix("module l0.m00 could not be stored") == true)
    }
}
