import Decomposition
import ECLMCore
import Foundation
import PythonReference
import Testing

@Suite("A convolutional block becomes modules")
struct ConvTests {
    /// Random weights, input and, computed by scipy, output of conv1, batch normalisation, activation, conv2.
    static let script = """
        import sys, json, numpy as np
        from scipy.signal import correlate
        from safetensors.numpy import save_file
        case = json.loads(sys.argv[2])
        rng = np.random.default_rng(case["seed"])
        def conv(x, w, b, stride, padding):
            x = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
            y = np.stack([sum(correlate(x[c], k[c], mode="valid", method="direct") for c in range(len(x))) for k in w])
            y = y[:, ::stride[0], ::stride[1]]
            return y if b is None else y + b[:, None, None]
        inner, channels, out, k1, k2 = case["inner"], case["channels"], case["out"], case["kernel1"], case["kernel2"]
        f = lambda *shape: rng.normal(size=shape).astype(np.float32)
        t = {"c1.weight": f(inner, channels, *k1), "bn.weight": f(inner), "bn.bias": f(inner), "bn.running_mean": f(inner),
             "bn.running_var": rng.uniform(0.1, 2, size=inner).astype(np.float32),
             "bn.num_batches_tracked": np.array(7), "c2.weight": f(out, inner, *k2)}
        if case["biases"]: t |= {"c1.bias": f(inner), "c2.bias": f(out)}
        x = f(channels, *case["extent"])
        d = {name: value.astype(np.float64) for name, value in t.items()}
        h = conv(x.astype(np.float64), d["c1.weight"], d.get("c1.bias"), case["stride1"], case["padding1"])
        col = lambda v: v[:, None, None]
        h = (h - col(d["bn.running_mean"])) / np.sqrt(col(d["bn.running_var"]) + case["eps"])
        h = np.maximum(h * col(d["bn.weight"]) + col(d["bn.bias"]), 0)
        y = conv(h, d["c2.weight"], d.get("c2.bias"), case["stride2"], case["padding2"])
        save_file(t, sys.argv[1])
        print(json.dumps({"input": x.ravel().tolist(), "output": y.ravel().tolist(), "shape": y.shape}))
        """

    struct Case: Codable, Sendable {
        var seed = 1
        var inner = 7, channels = 3, out = 4
        var kernel1 = [3, 3], kernel2 = [3, 3]
        var stride1 = [1, 1], stride2 = [1, 1]
        var padding1 = [1, 1], padding2 = [1, 1]
        var extent = [8, 9]
        var eps = 1e-5
        var biases = true
        var modules = 3
    }

    static let cases = [
        Case(),
        Case(seed: 2, inner: 8, channels: 2, stride1: [2, 2], biases: false, modules: 8),
        Case(
            seed: 3, kernel1: [3, 5], kernel2: [1, 1], stride2: [1, 3], padding1: [0, 2], padding2: [0, 0], modules: 2),
        Case(seed: 4, kernel1: [1, 1], stride1: [2, 1], padding1: [0, 0], padding2: [2, 0], eps: 0.1, modules: 1),
    ]

    struct Reference: Decodable {
        let input: [Float]
        let output: [Float]
        let shape: [Int]
    }

    static func specification(_ test: Case) -> String {
        func convolution(_ name: String, _ stride: [Int], _ padding: [Int]) -> String {
            let bias = test.biases ? #""bias": "\#(name).bias", "# : ""
            return #"{"weight": "\#(name).weight", \#(bias)"stride": \#(stride), "padding": \#(padding), "groups": 1}"#
        }
        return """
            {"model": "conv", "summary": "s", "input": {"height": \(test.extent[0]), "width": \(test.extent[1])},
             "layers": [{"name": "block", "block": "conv_norm_act_conv",
              "conv1": \(convolution("c1", test.stride1, test.padding1)),
              "norm": {"weight": "bn.weight", "bias": "bn.bias", "running_mean": "bn.running_mean",
                       "running_var": "bn.running_var", "eps": \(test.eps)},
              "activation": "relu",
              "conv2": \(convolution("c2", test.stride2, test.padding2)),
              "modules": \(test.modules)}],
             "shared": {"rules": [{"pattern": "*.num_batches_tracked", "to": "stem"}], "rest": "head"}}
            """
    }

    @Test("whose sum is the block computed by scipy", arguments: cases)
    func sum(test: Case) async throws {
        let folder = try TemporaryFolder()
        let arguments = String(decoding: try JSONEncoder().encode(test), as: UTF8.self)
        let text = try PythonReference.run(Self.script, folder.file("model.safetensors"), arguments)
        let reference = try JSONDecoder().decode(Reference.self, from: Data(text.utf8))
        let checkpoint = try SafetensorsFile(path: folder.file("model.safetensors"))
        let decomposer = try Small.decomposer(Self.specification(test))
        let sink = MemorySink()
        let manifest = try await decomposer.decompose(checkpoint, into: sink)
        let blobs = await sink.blobs
        let modules = try manifest.modules.filter { $0.slot.kind == .expert }.map {
            try SafetensorsFile(bytes: try #require(blobs[$0.digest]))
        }
        #expect(modules.count == test.modules)
        let layer = decomposer.specification.layers[0]
        let extent = InputExtent(height: test.extent[0], width: test.extent[1])
        let dense = try ReferenceBlock(dense: layer, of: checkpoint)
        let sum = try ReferenceBlock(sumOf: modules, of: layer, outer: checkpoint)
        #expect(dense.outputs == reference.shape[0])
        for block in [dense, sum] {
            let output = block.evaluate(reference.input, extent: extent)
            try #require(output.count == reference.output.count)
            let difference = zip(output, reference.output).map { abs($0 - $1) }.max() ?? 0
            let scale = reference.output.map(abs).max() ?? 1
            #expect(difference <= 1e-5 * max(1, scale))
        }
        let verified = try decomposer.verify(checkpoint)
        #expect(verified[0].modules == test.modules && verified[0].holds(within: 1e-5))
        #expect(Set(modules[0].header.metadata.keys).isSuperset(of: ["eclm.stride1", "eclm.padding2", "eclm.eps"]))
    }

    @Test("with costs that follow from the shapes, and the second convolution's bias in a shared part")
    func costs() async throws {
        let test = Self.cases[0]
        let folder = try TemporaryFolder()
        let arguments = String(decoding: try JSONEncoder().encode(test), as: UTF8.self)
        try PythonReference.run(Self.script, folder.file("model.safetensors"), arguments)
        let checkpoint = try SafetensorsFile(path: folder.file("model.safetensors"))
        let manifest = try await Small.decomposer(Self.specification(test)).decompose(checkpoint, into: MemorySink())
        #expect(manifest.modules.map(\.name) == ["head0", "stem0", "l0.m00", "l0.m01", "l0.m02"])
        #expect(manifest.modules[0].tensors.map(\.name) == ["c2.bias"])
        #expect(manifest.modules[1].tensors.map(\.name) == ["bn.num_batches_tracked"])
        #expect(manifest.modules[1].requirements.dtypes.isEmpty)
        let module = manifest.modules[2]
        #expect(
            module.tensors.map(\.name) == [
                "conv1.bias", "conv1.weight", "conv2.weight", "norm.bias", "norm.running_mean", "norm.running_var",
                "norm.weight",
            ])
        // Three of seven channels on 8 x 9 positions: kernels of 27 and 36 weights a channel, and five vectors.
        #expect(module.costs.parameters == 3 * (27 + 36 + 5))
        #expect(module.costs.flops == 72 * (3 * (2 * 27 + 1 + 2 + 1 + 2 * 36) + 4))
        #expect(module.costs.peakMemory == 4 * (3 * 68 + 72 * (3 + 3 + 4)))
        #expect(module.requirements.operators == ["conv2d", "batch_norm", "relu"])
        #expect(abs(manifest.modules[2...].map(\.importance).reduce(0, +) - 1) < 1e-12)
    }
}
