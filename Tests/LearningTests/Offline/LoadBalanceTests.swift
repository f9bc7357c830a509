import ECLMCore
import Foundation
import Learning
import PythonReference
import Testing

@Suite("The load balance")
struct LoadBalanceTests {
    /// Shazeer et al. 2017, appendix A, by its definition: the k-th largest of the others, module by module.
    private static let reference = """
        import json, math, sys
        import numpy as np
        case = json.loads(sys.argv[1])
        k = case["k"]
        clean, noisy, deviation = (np.array(case[n]) for n in ("clean", "noisy", "deviation"))
        gates = np.zeros_like(noisy)
        load = np.zeros(noisy.shape[1])
        for row in range(noisy.shape[0]):
            top = np.argsort(-noisy[row], kind="stable")[:k]
            e = np.exp(noisy[row][top] - noisy[row][top].max())
            gates[row][top] = e / e.sum()
            for i in range(noisy.shape[1]):
                others = np.sort(np.delete(noisy[row], i))[::-1]
                z = (clean[row][i] - others[k - 1]) / deviation[row][i]
                load[i] += 0.5 * (1 + math.erf(z / math.sqrt(2)))
        cv2 = lambda v: v.var() / (v.mean() ** 2 + 1e-10)
        print(json.dumps({"load": load.tolist(), "loss": cv2(gates.sum(0)) + cv2(load)}))
        """

    private struct Case: Encodable {
        var k: Int
        var clean: [[Float]]
        var noisy: [[Float]]
        var deviation: [[Float]]
    }

    private struct Expected: Decodable {
        var load: [Float]
        var loss: Float
    }

    @Test("is that of a NumPy reference", arguments: [(5, 4, 2), (9, 6, 1), (7, 3, 2)])
    func reference(_ rows: Int, _ modules: Int, _ topK: Int) throws {
        var generator = SplitMix64(seed: UInt64(rows))
        func matrix(_ value: () -> Double) -> [[Float]] {
            (0..<rows).map { _ in (0..<modules).map { _ in Float(value()) } }
        }
        let clean = matrix { generator.normal() }
        let deviation = matrix { 0.2 + generator.uniform() }
        var noisy = matrix { generator.normal() }
        for row in 0..<rows {
            for module in 0..<modules {
                noisy[row][module] = clean[row][module] + noisy[row][module] * deviation[row][module]
            }
        }
        let json = try JSONEncoder().encode(Case(k: topK, clean: clean, noisy: noisy, deviation: deviation))
        let output = try PythonReference.run(Self.reference, String(decoding: json, as: UTF8.self))
        let expected = try JSONDecoder().decode(Expected.self, from: Data(output.utf8))

        func tensor(_ values: [[Float]]) throws -> Tensor { try Tensor(values.flatMap { $0 }, shape: [rows, modules]) }
        let scores = try tensor(noisy)
        let load = try LoadBalance.load(
            scores: tensor(clean), noisyScores: scores, noiseDeviation: tensor(deviation), topK: topK
        ).scalars()
        for (value, wanted) in zip(load, expected.load) { #expect(abs(value - wanted) < 1e-4) }
        let kept = try scores.whereMask(scores.topMask(topK), else: -1e9).softmax(dimension: 1)
        let loss =
            try LoadBalance.squaredVariation(kept.sum(dimensions: [0], keep: false))
            + LoadBalance.squaredVariation(Tensor(load, shape: [modules]))
        #expect(abs(try loss.item() - expected.loss) < 1e-4)
    }

    @Test("evens out what the selector prefers, through importance and load")
    func evensOut() throws {
        let specification = SmallNetworks.dense
        let data = try SmallNetworks.examples(specification, count: 64)
        let network = try ModularNetwork(specification, seed: 1)
        try SmallNetworks.moved(network, seed: 9)
        var optimizer = try Optimizer(
            network.selector.parameters, settings: TrainingSettings(rate: 0.05, optimization: .adam))
        let x = try data.batch(0..<64)
        var losses: [Float] = []
        for step in 0..<40 {
            var options = ForwardOptions()
            options.noise = RoutingNoise(SplitMix64(seed: UInt64(step)))
            let routing = try network.forward(x, options: options).routing
            let loss = try LoadBalance.loss(routing[0], topK: 2) + LoadBalance.loss(routing[1], topK: 2)
            losses.append(try loss.item())
            try loss.backward()
            try optimizer.step()
        }
        let (first, last): (Float, Float) = (losses.prefix(5).reduce(0, +), losses.suffix(5).reduce(0, +))
        #expect(last < first / 2)
    }
}
