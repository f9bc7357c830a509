import Aggregation
import ECLMCore
import Foundation
import PostgreSQL
import PythonReference
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("Updates are weighed and refused by what the fleet does")
struct FleetCheckTests {
    private func set(_ rule: String, _ parameters: [String: Double], _ bench: Bench) async throws {
        _ = try await bench.model.registry.setPolicy(
            of: bench.model.name, PolicyChange(rule: rule, parameters: parameters.mapValues { $0 }),
            as: Provenance(actor: "operator", reason: "test"))
    }

    /// The expert's current version with each value moved by up to `scale`.
    private func moved(_ bench: Bench, by scale: Double, seed: UInt64) async throws -> [UInt8] {
        let version = try #require(try await bench.model.versions()["l0.m00"])
        let file = try SafetensorsFile(bytes: try await bench.model.bytes(version.digest))
        var generator = SplitMix64(seed: seed)
        var builder = SafetensorsBuilder()
        for tensor in file.tensors {
            let values = try tensor.floats().map { $0 + Float(scale) * Float.random(in: -1...1, using: &generator) }
            try builder.add(tensor.description, bytes: tensor.dtype.encode(values))
        }
        return try builder.build()
    }

    @discardableResult
    private func submit(
        _ bytes: [UInt8], from device: String, release: Int? = nil, samples: Int64 = 10, to bench: Bench
    ) async throws -> UpdateID {
        try await bench.model.submit(
            [.init("l0.m00", importance: Double(samples) / 10, samples: samples, bytes: bytes)], from: device,
            release: release)
    }

    /// A release that changes another module: the expert keeps its version.
    private func release(_ bench: Bench, seed: UInt64) async throws {
        try await bench.model.submit([.init("stem0")], from: "other", seed: seed)
        #expect(try await bench.round()?.newVersions == 1)
    }

    @Test("An update on an older release weighs as NumPy says", arguments: ["importance_mean", "sample_mean"])
    func staleness(rule: String) async throws {
        try await withBench(dtype: .f64) { bench in
            for seed in 0..<3 { try await release(bench, seed: UInt64(seed)) }
            try await set(rule, ["staleness": 0.5], bench)
            let folder = try TemporaryFolder()
            let (releases, samples) = ([4, 1, 3, 2, 4], [10, 40, 25, 30, 5])
            for (device, (release, count)) in zip(releases, samples).enumerated() {
                let bytes = try bench.model.weights(of: "l0.m00", seed: UInt64(900 + device))
                try Data(bytes).write(to: URL(fileURLWithPath: folder.file("update\(device).safetensors")))
                try await submit(bytes, from: "d\(device)", release: release, samples: Int64(count), to: bench)
            }
            #expect(try await bench.round()?.updates.count == 5)
            let printed = try PythonReference.run(
                """
                import json, sys
                import numpy as np
                from safetensors.numpy import load_file, save_file
                folder, releases, samples = sys.argv[1], np.array(json.loads(sys.argv[2])), np.array(json.loads(sys.argv[3]))
                weights = samples / np.sqrt(1.0 + (4 - releases))
                weights = weights / weights.sum()
                files = [load_file(f"{folder}/update{k}.safetensors") for k in range(len(samples))]
                save_file({n: np.average(np.stack([f[n] for f in files]), axis=0, weights=weights) for n in files[0]},
                    f"{folder}/expected.safetensors")
                print(json.dumps(list(weights)))
                """, folder.path, "\(releases)", "\(samples)")
            let shares = try JSONDecoder().decode([Double].self, from: Data(printed.utf8))
            let version = try #require(try await bench.model.versions()["l0.m00"])
            let result = try await bench.model.tensors(version.digest)
            let expected = try ModelFixture.tensors(
                in: [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.file("expected.safetensors")))))
            #expect(result.keys == expected.keys)
            for (name, values) in expected {
                #expect(result[name]?.count == values.count)
                #expect(zip(result[name] ?? [], values).allSatisfy { abs($0 - $1) < 1e-12 })
            }
            let rows = try await bench.database.pool.query(
                "SELECT weight FROM eclm.round_inputs WHERE module = 'l0.m00' ORDER BY update_id")
            let lineage = try rows.map { try $0.decode("weight", as: Double.self) }
            #expect(try await RoundReplayer(registry: bench.model.registry).replay(round: 4, of: "mlp").isEqual)
            #expect(lineage.count == shares.count && zip(lineage, shares).allSatisfy { abs($0 - $1) < 1e-12 })
        }
    }

    @Test("Updates that are equally stale weigh as if they were not, however old")
    func equallyStale() throws {
        let rule = try SampleWeightedMean(staleness: 10)
        guard case .weightedSum(let weigh) = rule.method else { return #expect(Bool(false)) }
        let contributions = (1...2).map {
            Contribution(importance: 1, sampleCount: $0, staleness: 1_000_000_000)
        }
        #expect(weigh(contributions, .expert) == [1.0 / 3, 2.0 / 3])
        #expect(throws: AggregationError.self) { try RuleSpecification("median", ["staleness": 1]) }
        #expect(throws: AggregationError.self) { try SampleWeightedMean(staleness: -1) }
    }

    @Test("An update that is too many releases behind is quarantined, and says how many")
    func tooStale() async throws {
        try await withBench { bench in
            for seed in 0..<3 { try await release(bench, seed: UInt64(seed)) }
            try await set("median", ["maximum_staleness": 1], bench)
            _ = try await bench.model.registry.setPolicy(
                of: bench.model.name, PolicyChange(requiredUpdates: 1, requiredDevices: 1),
                as: Provenance(actor: "operator", reason: "two are enough here"))
            let old = try await submit(
                try await moved(bench, by: 0.1, seed: 1), from: "late", release: 2, to: bench)
            let recent = try await submit(
                try await moved(bench, by: 0.1, seed: 2), from: "recent", release: 3, to: bench)
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == [recent] && outcome.quarantined.map(\.updateID) == [old])
            let reason = try await bench.reason(old)
            #expect(reason == "base release 2 is 2 releases behind release 4; the policy takes at most 1")
            try await set("sample_mean", [:], bench)
            _ = try await bench.model.registry.requeue([old], as: Provenance(actor: "operator", reason: "take it"))
            #expect(try await bench.round()?.updates == [old])
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("An update that changes a module far more than the fleet is quarantined with the figures")
    func norm() async throws {
        try await withBench { bench in
            try await set("importance_mean", ["norm_z": 8], bench)
            var honest: [UpdateID] = []
            for device in 0..<9 {
                let bytes = try await moved(bench, by: 0.01, seed: UInt64(device))
                honest.append(try await submit(bytes, from: "d\(device)", to: bench))
            }
            let evil = try await submit(try await moved(bench, by: 1, seed: 99), from: "evil", to: bench)
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == honest && outcome.quarantined.map(\.updateID) == [evil])
            let reason = try #require(try await bench.reason(evil))
            #expect(reason.hasPrefix("module l0.m00: the norm of its change, "), "\(reason)")
            #expect(reason.contains("of 10 updates") && reason.hasSuffix("takes at most 8.0"), "\(reason)")

            // Alone in its round, it is compared with those that counted before, whatever they were trained from.
            let again = try await submit(try await moved(bench, by: 1, seed: 98), from: "evil", to: bench)
            #expect(try await bench.round()?.quarantined.map(\.updateID) == [again])
            let late = try await submit(
                try await moved(bench, by: 0.01, seed: 50), from: "late", to: bench)
            #expect(try await bench.round()?.updates == [late])
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("Earlier updates whose bytes were lost are passed over, and blame none of the round")
    func lostNorms() async throws {
        try await withBench { bench in
            try await set("importance_mean", ["norm_z": 8], bench)
            for device in 0..<9 {
                let bytes = try await moved(bench, by: 0.01, seed: UInt64(device))
                try await submit(bytes, from: "d\(device)", to: bench)
            }
            #expect(try await bench.round()?.updates.count == 9)
            try await bench.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        ALTER TABLE eclm.blob_chunks DISABLE TRIGGER USER;
                        DELETE FROM eclm.blob_chunks WHERE storage_id = (SELECT b.storage_id FROM eclm.blobs b
                            JOIN eclm.update_modules um USING (digest) ORDER BY um.update_id LIMIT 1);
                        """)
            }
            let good = try await submit(try await moved(bench, by: 0.01, seed: 50), from: "good", to: bench)
            let evil = try await submit(try await moved(bench, by: 1, seed: 51), from: "evil", to: bench)
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == [good] && outcome.quarantined.map(\.updateID) == [evil])
            #expect(try await bench.reason(evil)?.contains("of 10 updates") == true)
        }
    }

    @Test("Few updates tell nothing of the fleet: none is refused for its norm")
    func fewNorms() async throws {
        try await withBench { bench in
            try await set("importance_mean", ["norm_z": 2], bench)
            for device in 0..<6 {
                let bytes = try await moved(bench, by: 0.01, seed: UInt64(device))
                try await submit(bytes, from: "d\(device)", to: bench)
            }
            try await submit(try await moved(bench, by: 1, seed: 99), from: "far", to: bench)
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates.count == 7 && outcome.quarantined.isEmpty)
        }
    }

    @Test("Robust scores are SciPy's")
    func robustScore() throws {
        var generator = SplitMix64(seed: 11)
        for count in [1, 8, 9, 50] {
            let values = (0..<count).map { _ in Double.random(in: 0...10, using: &generator) }
            let printed = try PythonReference.run(
                """
                import json, sys
                import numpy as np
                from scipy.stats import median_abs_deviation
                x = np.array(json.loads(sys.argv[1]))
                d = max(median_abs_deviation(x, scale="normal"), 0.01 * np.median(x))
                print(json.dumps(list((x - np.median(x)) / d)))
                """, "\(values)")
            let expected = try JSONDecoder().decode([Double].self, from: Data(printed.utf8))
            let score = RobustScore(values)
            #expect(zip(values, expected).allSatisfy { abs(score($0) - $1) < 1e-4 * max(1, abs($1)) })
        }
        #expect(RobustScore([0, 0, 0])(0) == 0)
    }

    @Test("The same file from two devices, or in two rounds, counts once where the policy says so")
    func duplicates() async throws {
        try await withBench { bench in
            let bytes = try await moved(bench, by: 0.1, seed: 1)
            let first = try await submit(bytes, from: "d1", to: bench)
            let second = try await submit(bytes, from: "d2", to: bench)
            let own = try await submit(try await moved(bench, by: 0.1, seed: 2), from: "d3", to: bench)
            try await set("importance_mean", ["refuse_duplicates": 1], bench)
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == [first, own] && outcome.quarantined.map(\.updateID) == [second])
            #expect(
                try await bench.reason(second) == "module l0.m00: update \(first) brought the same file before")
            let third = try await submit(bytes, from: "d1", to: bench)
            #expect(try await bench.round()?.quarantined.map(\.updateID) == [third])

            try await set("sample_mean", [:], bench)
            let fourth = try await submit(bytes, from: "d4", to: bench)
            #expect(try await bench.round()?.updates == [fourth])
        }
    }

    @Test("A file that was refused, or is the unchanged base, makes no other a duplicate")
    func noDuplicates() async throws {
        try await withBench { bench in
            try await set("importance_mean", ["refuse_duplicates": 1], bench)
            let version = try #require(try await bench.model.versions()["l0.m00"])
            let base = try await bench.model.bytes(version.digest)
            let unchanged = [
                try await submit(base, from: "d1", to: bench), try await submit(base, from: "d2", to: bench),
            ]
            let bytes = try await moved(bench, by: 0.1, seed: 1)
            let bad = try await bench.model.insertUnchecked(
                [.init("l0.m00", bytes: bytes), .init("stem0", bytes: [1, 2, 3])], from: "bad")
            let good = try await submit(bytes, from: "good", to: bench)
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == unchanged + [good] && outcome.quarantined.map(\.updateID) == [bad])
        }
    }
}
