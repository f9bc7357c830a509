import Aggregation
import ECLMCore
import Foundation
import PostgreSQL
import PythonReference
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("Server optimizers")
struct OptimizerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var optimizer: String
        var parameters: [String: Double] = [:]
        var dtype = ElementType.f64
        var testDescription: String { "\(optimizer) \(parameters) \(dtype.rawValue)" }
    }

    static let cases: [Case] = ["fedavgm", "fedadam", "fedyogi"].flatMap { name in
        [
            Case(optimizer: name), Case(optimizer: name, dtype: .f32), Case(optimizer: name, dtype: .bf16),
            Case(
                optimizer: name,
                parameters: name == "fedavgm"
                    ? ["learning_rate": 0.5, "momentum": 0.3]
                    : ["learning_rate": 0.1, "beta1": 0.5, "beta2": 0.8, "tau": 0.05]),
        ]
    }

    /// Folder, optimizer, parameters, rounds and updates of each: folder/base.safetensors and folder/ROUND-DEVICE.safetensors.
    /// Writes folder/expected-ROUND.safetensors, and state-ROUND.safetensors.
    static let reference = """
        import json, sys
        import numpy as np
        from pathlib import Path
        from safetensors.numpy import load_file, save_file
        folder, name, given = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
        rounds, devices = int(sys.argv[4]), int(sys.argv[5])
        standard = {"fedavgm": {"learning_rate": 1, "momentum": 0.9}}.get(
            name, {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.99, "tau": 1e-3})
        p = {**standard, **given}
        x = load_file(folder / "base.safetensors")
        m = {k: np.zeros_like(w) for k, w in x.items()}
        v = {k: np.full_like(w, p.get("tau", 0) ** 2) for k, w in x.items()}
        for t in range(rounds):
            for k in x:
                w = np.mean([load_file(folder / f"{t}-{d}.safetensors")[k] for d in range(devices)], axis=0)
                d = w - x[k]
                if name == "fedavgm":
                    m[k] = p["momentum"] * m[k] + d
                    x[k] = x[k] + p["learning_rate"] * m[k]
                    continue
                m[k] = p["beta1"] * m[k] + (1 - p["beta1"]) * d
                if name == "fedadam":
                    v[k] = p["beta2"] * v[k] + (1 - p["beta2"]) * d ** 2
                else:
                    v[k] = v[k] - (1 - p["beta2"]) * d ** 2 * np.sign(v[k] - d ** 2)
                x[k] = x[k] + p["learning_rate"] * m[k] / (np.sqrt(v[k]) + p["tau"])
            save_file(x, folder / f"expected-{t}.safetensors")
            moments = {"m": m} if name == "fedavgm" else {"m": m, "v": v}
            save_file({f"{n}.{k}": a for n, s in moments.items() for k, a in s.items()}, folder / f"state-{t}.safetensors")
        """

    private func set(_ change: PolicyChange, _ bench: Bench) async throws {
        _ = try await bench.model.registry.setPolicy(
            of: bench.model.name, change, as: Provenance(actor: "operator", reason: "test"))
    }

    /// Floating-point tensors as F64, which NumPy knows.
    private func write(_ bytes: [UInt8], _ name: String, _ folder: TemporaryFolder) throws {
        var builder = SafetensorsBuilder()
        for (name, values) in try ModelFixture.tensors(in: bytes) {
            try builder.add(
                TensorDescription(name: name, dtype: .f64, shape: [values.count]),
                bytes: values.withUnsafeBytes { Array($0) })
        }
        try Data(try builder.build()).write(to: URL(fileURLWithPath: folder.file(name)))
    }

    private func differs(_ result: [String: [Double]], _ name: String, _ folder: TemporaryFolder) throws -> Double {
        let expected = try ModelFixture.tensors(
            in: [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.file(name)))))
        guard result.keys == expected.keys else { return .infinity }
        return expected.map { tensor, values in
            guard let found = result[tensor], found.count == values.count else { return .infinity }
            return zip(found, values).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
        }.max() ?? .infinity
    }

    private struct State {
        var version: Int, step: Int, previous: Int?, digest: Digest
    }

    private func states(_ bench: Bench, of module: String = "l0.m00") async throws -> [State] {
        try await bench.database.pool.query(
            """
            SELECT v.version, s.step, p.version AS previous, s.digest FROM eclm.optimizer_states s
            JOIN eclm.module_versions v USING (module_version_id)
            JOIN eclm.modules m USING (module_id)
            LEFT JOIN eclm.module_versions p ON p.module_version_id = s.previous_version_id
            WHERE m.name = \(module) ORDER BY v.version
            """
        ).map { row in
            State(
                version: Int(try row.decode("version", as: Int32.self)),
                step: Int(try row.decode("step", as: Int32.self)),
                previous: try row.decode("previous", as: Int32?.self).map(Int.init), digest: try row.digest("digest"))
        }
    }

    private func replay(_ round: Int, _ bench: Bench) async throws -> RoundReplay {
        try await bench.database.withPool(as: .reader) { pool in
            try await RoundReplayer(registry: bench.registry(over: pool)).replay(round: round, of: bench.model.name)
        }
    }

    /// Three devices train a module, and one round follows.
    @discardableResult
    private func round(
        _ bench: Bench, seed: UInt64, modules: [String] = ["l0.m00"], _ folder: TemporaryFolder? = nil
    ) async throws -> RoundOutcome {
        for device in 0..<3 {
            var trained: [ModelFixture.Trained] = []
            for (number, module) in modules.enumerated() {
                let bytes = try bench.model.weights(of: module, seed: seed * 10 + UInt64(device * 7 + number))
                trained.append(.init(module, bytes: bytes))
                if number == 0, let folder { try write(bytes, "\(seed)-\(device).safetensors", folder) }
            }
            try await bench.model.submit(trained, from: "device-\(device)")
        }
        return try #require(try await bench.round())
    }

    @Test("make the versions and keep the moments that NumPy gives, and replay bit for bit", arguments: cases)
    func reference(example: Case) async throws {
        try await withBench(dtype: example.dtype, width: 1000) { bench in
            let folder = try TemporaryFolder()
            let base = try #require(try await bench.model.versions()["l0.m00"])
            try write(try await bench.model.bytes(base.digest), "base.safetensors", folder)
            try await set(
                PolicyChange(
                    rule: "sample_mean", optimizer: example.optimizer,
                    optimizerParameters: example.parameters.mapValues { $0 }), bench)
            let rounds = 4
            var results: [(weights: [String: [Double]], state: [String: [Double]])] = []
            for number in 0..<rounds {
                let outcome = try await round(bench, seed: UInt64(number), modules: ["l0.m00", "head0"], folder)
                #expect(outcome.newVersions == 2)
                let version = try #require(try await bench.model.versions()["l0.m00"])
                let state = try #require(try await states(bench).last)
                results.append(
                    (try await bench.model.tensors(version.digest), try await bench.model.tensors(state.digest)))
            }
            _ = try PythonReference.run(
                Self.reference, folder.path, example.optimizer,
                String(decoding: try JSONEncoder().encode(example.parameters), as: UTF8.self), "\(rounds)", "3")
            // Versions are rounded to the module's dtype, and moments to F32.
            let tolerance = example.dtype == .f64 ? 1e-12 : example.dtype == .f32 ? 1e-5 : 0.2
            for (number, result) in results.enumerated() {
                let weights = try differs(result.weights, "expected-\(number).safetensors", folder)
                #expect(weights <= tolerance, "the weights of round \(number) differ by \(weights)")
                let state = try differs(result.state, "state-\(number).safetensors", folder)
                #expect(state <= tolerance, "the state of round \(number) differs by \(state)")
            }
            let lineage = try await states(bench)
            #expect(lineage.map(\.version) == [2, 3, 4, 5] && lineage.map(\.step) == [1, 2, 3, 4])
            #expect(lineage.map(\.previous) == [nil, 2, 3, 4])

            try await set(PolicyChange(rule: "median", optimizer: "none"), bench)
            _ = try await bench.model.registry.blobs.collectGarbage(grace: .zero)
            for number in 1...rounds {
                let replay = try await replay(number, bench)
                #expect(replay.isEqual && replay.modules.count == 2, "\(replay)")
            }
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test(
        "and staleness give in memory what they give over the registry, bit for bit",
        arguments: ["none", "fedavgm", "fedadam", "fedyogi"])
    func inMemory(optimizer: String) async throws {
        try await withBench(width: 1000) { bench in
            try await set(
                PolicyChange(rule: "importance_mean", parameters: ["staleness": 0.5], optimizer: optimizer), bench)
            var aggregator = ModuleAggregator(
                rule: try ImportanceWeightedMean(staleness: 0.5))
            aggregator.optimizer = try OptimizerSpecification(optimizer)
            let first = try #require(try await bench.model.versions()["l0.m00"])
            var known = ModuleAggregator.Aggregate(file: try await bench.model.bytes(first.digest), weights: [])
            for number in 0..<3 {
                var updates: [ModuleAggregator.Update] = []
                for device in 0..<3 {
                    let bytes = try bench.model.weights(of: "l0.m00", seed: UInt64(10 * number + device))
                    let behind = device == 2 ? number : 0
                    try await bench.model.submit(
                        [.init("l0.m00", importance: Double(device) + 0.5, bytes: bytes)], from: "device-\(device)",
                        release: number + 1 - behind)
                    updates.append(.init(file: bytes, importance: Double(device) + 0.5, staleness: behind))
                }
                _ = try #require(try await bench.round())
                known = try await aggregator.aggregate(updates, of: .expert, onto: known.file, from: known.state)
                let version = try #require(try await bench.model.versions()["l0.m00"])
                #expect(version.digest == Digest.of(known.file))
                let state = try await states(bench).last
                #expect(state?.digest == known.state.map { Digest.of($0.file) } && state?.step == known.state?.step)
            }
            #expect((known.state == nil) == (optimizer == "none"))
            let region = await #expect(throws: AggregationError.self) {
                try await aggregator.partial(
                    of: [.init(file: known.file)], of: .expert, onto: known.file, region: "north")
            }
            #expect(region?.code == .invalidPolicy)
        }
    }

    @Test("leave modules alone that nobody trained, and go on from the version that a rollback brings back")
    func lineage() async throws {
        try await withBench { bench in
            try await set(PolicyChange(optimizer: "fedavgm"), bench)
            for seed in 1...3 { try await round(bench, seed: UInt64(seed)) }
            #expect(try await states(bench, of: "l0.m01").isEmpty)
            #expect(try await bench.model.versions()["l0.m01"]?.version == 1)
            // Release 2 has version 2, the first step's.
            _ = try await bench.model.registry.rollback(
                bench.model.name, channel: "stable", to: .release(2), as: Provenance(actor: "operator", reason: "test"))
            try await round(bench, seed: 4)
            let after = try #require(try await states(bench).last)
            #expect(after.version == 5 && after.step == 2 && after.previous == 2)

            try await set(PolicyChange(optimizer: "fedadam"), bench)
            try await round(bench, seed: 5)
            let other = try #require(try await states(bench).last)
            #expect(other.version == 6 && other.step == 1 && other.previous == nil)

            try await set(PolicyChange(optimizer: "none"), bench)
            try await round(bench, seed: 6)
            #expect(try await states(bench).count == 5)
            for number in 1...6 { #expect(try await replay(number, bench).isEqual) }
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("keep a version whose module no device changed, and write nothing for it")
    func unchanged() async throws {
        try await withBench { bench in
            try await set(PolicyChange(optimizer: "fedadam"), bench)
            let version = try #require(try await bench.model.versions()["l0.m00"])
            let bytes = try await bench.model.bytes(version.digest)
            try await bench.model.submit([.init("l0.m00", bytes: bytes)], from: "device")
            let outcome = try #require(try await bench.round())
            #expect(outcome.release == nil && outcome.keptVersions == 1)
            #expect(try await states(bench).isEmpty)
            #expect(try await replay(1, bench).isEqual)
        }
    }

    @Test("stop the rounds where what they remember was damaged, and blame no update")
    func damaged() async throws {
        try await withBench { bench in
            try await set(PolicyChange(optimizer: "fedavgm"), bench)
            try await round(bench, seed: 1)
            try await round(bench, seed: 2)
            try await bench.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        ALTER TABLE eclm.blob_chunks DISABLE TRIGGER USER;
                        UPDATE eclm.blob_chunks SET data = set_byte(data, octet_length(data) - 1,
                                get_byte(data, octet_length(data) - 1) # 1)
                            WHERE storage_id IN (SELECT storage_id FROM eclm.blobs JOIN eclm.optimizer_states USING (digest));
                        """)
            }
            try await bench.model.submit([.init("l0.m00")], from: "device", seed: 9)
            await #expect {
                _ = try await bench.round()
            } throws: { error in
                (error as? TrainerError)?.code == .registryUnfit && "\(error)".contains("optimizer")
            }
            #expect(try await bench.count("SELECT count(*) FROM eclm.updates WHERE status = 'pending'") == 1)
            let module = try #require(try await replay(2, bench).modules.first)
            #expect(!module.isEqual && module.problem != nil)
            // Another optimizer does not need it.
            try await set(PolicyChange(optimizer: "fedyogi"), bench)
            #expect(try await bench.round()?.newVersions == 1)
        }
    }

    @Test("A replay tells where the recorded state is not what comes of the inputs")
    func tampered() async throws {
        try await withBench { bench in
            try await set(PolicyChange(optimizer: "fedavgm"), bench)
            try await round(bench, seed: 1)
            try await bench.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        ALTER TABLE eclm.optimizer_states DISABLE TRIGGER USER;
                        UPDATE eclm.optimizer_states s SET digest = v.digest, bytes = v.bytes
                            FROM eclm.module_versions v WHERE v.module_version_id = s.module_version_id;
                        """)
            }
            let module = try #require(try await replay(1, bench).modules.first)
            #expect(module.recorded == module.recomputed && !module.isEqual)
        }
    }
}
