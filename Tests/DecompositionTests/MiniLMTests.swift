import Decomposition
import ECLMCore
import Foundation
import PythonReference
import Testing

@Suite("The real checkpoint all-MiniLM-L6-v2")
struct MiniLMTests {
    static func checkpoint() throws -> SafetensorsFile {
        let path = PythonReference.root + "/data/minilm/model.safetensors"
        try #require(
            FileManager.default.fileExists(atPath: path), "there is no \(path); run Scripts/fetch-checkpoint")
        return try SafetensorsFile(path: path)
    }

    static func decomposer() throws -> Decomposer {
        let json = try Data(contentsOf: URL(fileURLWithPath: PythonReference.root + "/specs/minilm.json"))
        return Decomposer(try DecompositionSpecification(json: Array(json)))
    }

    @Test("is, in all six layers, the sum of its modules to 1e-5")
    func equality() throws {
        let verified = try Self.decomposer().verify(try Self.checkpoint(), tokens: 2)
        #expect(verified.count == 6)
        for layer in verified {
            #expect(layer.modules == 16)
            #expect(layer.maximumOutput > 0.1, "the block computes something")
            #expect(layer.maximumDifference <= 1e-5, "layer \(layer.layer)")
        }
    }

    @Test("loses no weight and gains none")
    func conservation() async throws {
        let checkpoint = try Self.checkpoint()
        let manifest = try await Self.decomposer().decompose(checkpoint, into: MemorySink())
        #expect(manifest.modules.count == 2 + 6 * 16)
        let floats = checkpoint.tensors.filter(\.dtype.isFloatingPoint).map(\.elementCount).reduce(0, +)
        #expect(manifest.modules.map(\.costs.parameters).reduce(0, +) == Int64(floats))
        #expect(Set(manifest.modules.map(\.digest)).count == manifest.modules.count)
        let experts = manifest.modules.filter { $0.slot.kind == .expert }
        #expect(experts.allSatisfy { $0.costs.parameters == 96 * (384 + 1 + 384) })
        #expect(experts.allSatisfy { $0.requirements.operators == ["linear", "gelu"] })
        for layer in 0..<6 {
            let shares = experts.filter { $0.slot.layer == layer }.map(\.importance)
            #expect(abs(shares.reduce(0, +) - 1) < 1e-9)
            #expect((shares.min() ?? 0) > 0.01)
        }
        let head = manifest.modules.first { $0.slot.kind == .head }
        #expect(head?.tensors.map(\.name) == ["pooler.dense.bias", "pooler.dense.weight"])
    }

    @Test("computes as numpy does, layer by layer")
    func againstNumPy() throws {
        let checkpoint = try Self.checkpoint()
        let path = PythonReference.root + "/data/minilm/model.safetensors"
        let text = try PythonReference.run(
            """
            import sys, json, numpy as np
            from scipy.special import erf
            from safetensors.numpy import load_file
            t = load_file(sys.argv[1])
            x = np.random.default_rng(5).normal(size=(2, 384)).astype(np.float32)
            outputs = []
            for i in range(6):
                w = lambda name: t[f"encoder.layer.{i}.{name}"].astype(np.float64)
                h = x.astype(np.float64) @ w("intermediate.dense.weight").T + w("intermediate.dense.bias")
                h = h * 0.5 * (1 + erf(h / np.sqrt(2)))
                outputs.append((h @ w("output.dense.weight").T + w("output.dense.bias")).ravel().tolist())
            print(json.dumps({"input": x.ravel().tolist(), "outputs": outputs}))
            """, path)
        struct Reference: Decodable {
            let input: [Float]
            let outputs: [[Float]]
        }
        let reference = try JSONDecoder().decode(Reference.self, from: Data(text.utf8))
        for (layer, wanted) in zip(try Self.decomposer().specification.layers, reference.outputs) {
            let block = try ReferenceBlock(dense: layer, of: checkpoint)
            let output = block.evaluate(reference.input, extent: InputExtent(tokens: 2))
            #expect((zip(output, wanted).map { abs($0 - $1) }.max() ?? 1) <= 1e-5, "layer \(layer.name)")
        }
    }
}
