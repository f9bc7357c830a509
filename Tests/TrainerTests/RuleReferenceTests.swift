import ECLMCore
import Foundation
import PostgreSQL
import PythonReference
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("Every rule gives what an independent implementation in NumPy gives")
struct RuleReferenceTests {
    struct Case: CustomTestStringConvertible {
        var rule: String
        var parameters: [String: Double] = [:]
        var dtype = ElementType.f64

        var testDescription: String { "\(rule) \(parameters) \(dtype.rawValue)" }
    }

    static let cases: [Case] = {
        let plain = [
            Case(rule: "importance_mean"), Case(rule: "sample_mean"), Case(rule: "median"),
            Case(rule: "trimmed_mean", parameters: ["fraction": 0.25]), Case(rule: "krum", parameters: ["f": 2]),
            Case(rule: "multi_krum", parameters: ["f": 2, "m": 4]),
            Case(rule: "geometric_median", parameters: ["tolerance": 1e-12, "iterations": 10_000]),
        ]
        return plain
            + plain.map { Case(rule: $0.rule, parameters: $0.parameters.merging(["clip_norm": 200]) { $1 }) }
            + plain.map { Case(rule: $0.rule, parameters: $0.parameters, dtype: .f32) }
    }()

    /// Reads base.safetensors and update0.safetensors, ...; writes the aggregate and prints the weights.
    static let reference = """
        import json, sys
        import numpy as np
        from pathlib import Path
        from safetensors.numpy import load_file, save_file
        from scipy import stats
        from scipy.spatial.distance import cdist
        folder, rule, p = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
        importances, samples = np.array(json.loads(sys.argv[4])), np.array(json.loads(sys.argv[5]))
        base = load_file(folder / "base.safetensors")
        names = sorted(base)
        flat = lambda file: np.concatenate([file[name].astype(np.float64).ravel() for name in names])
        b = flat(base)
        n = len(samples)
        x = np.stack([flat(load_file(folder / f"update{k}.safetensors")) for k in range(n)])
        if "clip_norm" in p:
            norms = np.linalg.norm(x - b, axis=1)
            assert (norms > p["clip_norm"]).any() and (norms < p["clip_norm"]).any()
            x = b + (x - b) * np.minimum(1, p["clip_norm"] / norms)[:, None]
        weights = np.full(n, 1 / n)
        if rule in ("importance_mean", "sample_mean"):
            weights = importances if rule == "importance_mean" else samples
            weights = weights / weights.sum()
            result = np.average(x, axis=0, weights=weights)
        elif rule == "median":
            result = np.median(x, axis=0)
        elif rule == "trimmed_mean":
            result = stats.trim_mean(x, p["fraction"], axis=0)
        elif rule in ("krum", "multi_krum"):
            nearest = np.sort(cdist(x, x, "sqeuclidean"), axis=1)[:, 1:n - int(p["f"]) - 1]
            chosen = np.argsort(nearest.sum(axis=1), kind="stable")[:int(p.get("m", 1))]
            weights = np.isin(np.arange(n), chosen) / len(chosen)
            result = x[np.sort(chosen)].mean(axis=0)
        else:
            result = x.mean(axis=0)
            for _ in range(20000):
                weights = 1 / np.linalg.norm(x - result, axis=1)
                weights /= weights.sum()
                result = weights @ x
        position, out = 0, {}
        for name in names:
            out[name] = result[position:position + base[name].size].reshape(base[name].shape)
            position += base[name].size
        save_file(out, folder / "expected.safetensors")
        print(json.dumps(list(weights)))
        """

    /// Random weights; some updates far away from the others.
    private func weights(_ model: ModelFixture, device: Int) throws -> [UInt8] {
        let bytes = try model.weights(of: "l0.m00", seed: UInt64(500 + device))
        guard device == 2 || device == 5 else { return bytes }
        let file = try SafetensorsFile(bytes: bytes)
        var builder = SafetensorsBuilder()
        for tensor in file.tensors {
            var values = [Double](repeating: 0, count: tensor.elementCount)
            tensor.withUnsafeBytes { raw in
                values.withUnsafeMutableBufferPointer { tensor.dtype.decode(raw, into: $0) }
            }
            var scaled: [UInt8] = []
            values.map { $0 * 50 }.withUnsafeBufferPointer { tensor.dtype.append($0, to: &scaled) }
            try builder.add(tensor.description, bytes: scaled)
        }
        return try builder.build()
    }

    @Test("on random weights with outliers, read in many blocks", arguments: cases)
    func matches(_ example: Case) async throws {
        var settings = TrainerPolicy()
        settings.blockMemory = 1 << 16
        try await withBench(policy: settings, dtype: example.dtype, width: 1000) { bench in
            let folder = try TemporaryFolder()
            let count = 9
            let importances = (0..<count).map { 0.1 + Double($0 * 7 % 5) / 4 }
            let samples = (0..<count).map { Int64(1 + $0 * 3 % 7) }
            let before = try #require(try await bench.model.versions()["l0.m00"])
            try Data(try await bench.model.bytes(before.digest)).write(
                to: URL(fileURLWithPath: folder.file("base.safetensors")))
            for device in 0..<count {
                let bytes = try weights(bench.model, device: device)
                try Data(bytes).write(to: URL(fileURLWithPath: folder.file("update\(device).safetensors")))
                try await bench.model.submit(
                    [.init("l0.m00", importance: importances[device], samples: samples[device], bytes: bytes)],
                    from: "device-\(device)")
            }
            _ = try await bench.model.registry.setPolicy(
                of: bench.model.name, PolicyChange(rule: example.rule, parameters: example.parameters.mapValues { $0 }),
                as: Provenance(actor: "operator", reason: "test"))
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates.count == count && outcome.newVersions == 1 && outcome.heldBack.isEmpty)

            let encoder = JSONEncoder()
            func json(_ value: some Encodable) throws -> String {
                String(decoding: try encoder.encode(value), as: UTF8.self)
            }
            let printed = try PythonReference.run(
                Self.reference, folder.path, example.rule, try json(example.parameters), try json(importances),
                try json(samples))
            let after = try #require(try await bench.model.versions()["l0.m00"])
            let result = try await bench.model.tensors(after.digest)
            let expected = try ModelFixture.tensors(
                in: [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.file("expected.safetensors")))))
            #expect(result.keys == expected.keys)
            let tolerance = example.dtype == .f32 ? 1e-6 : example.rule == "geometric_median" ? 1e-7 : 1e-12
            for (name, values) in expected {
                let worst = zip(result[name] ?? [], values).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? .infinity
                #expect(worst <= tolerance, "\(name) differs by \(worst)")
                #expect(result[name]?.count == values.count)
            }
            let shares = try JSONDecoder().decode([Double].self, from: Data(printed.utf8))
            let rows = try await bench.database.pool.query("SELECT weight FROM eclm.round_inputs ORDER BY update_id")
            let lineage = try rows.map { try $0.decode("weight", as: Double.self) }
            #expect(lineage.count == count)
            #expect(zip(lineage, shares).allSatisfy { abs($0 - $1) < 1e-6 }, "\(lineage) \(shares)")
            #expect(abs(lineage.reduce(0, +) - 1) < 1e-12)
        }
    }

    @Test(
        "with the same bytes whatever the memory for blocks",
        arguments: ["median", "multi_krum", "geometric_median"])
    func blocks(_ rule: String) async throws {
        var digests: Set<Digest> = []
        for memory in [1 << 16, 100_000, 64 << 20] {
            var settings = TrainerPolicy()
            settings.blockMemory = memory
            try await withBench(policy: settings, width: 3001) { bench in
                for device in 0..<7 {
                    try await bench.model.submit(
                        [.init("l0.m00", bytes: try weights(bench.model, device: device))], from: "device-\(device)")
                }
                _ = try await bench.model.registry.setPolicy(
                    of: bench.model.name,
                    PolicyChange(
                        rule: rule,
                        parameters: (rule == "multi_krum" ? ["f": 1, "m": 3] : [:]).merging(
                            ["clip_norm": 50.0]) { $1 }.mapValues { $0 }), as: Provenance(actor: "operator"))
                _ = try await bench.round()
                digests.insert(try #require(try await bench.model.versions()["l0.m00"]).digest)
            }
        }
        #expect(digests.count == 1)
    }
}
