import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("A model's policy in the registry")
struct PolicyTests {
    private func set(_ change: PolicyChange, _ bench: Bench) async throws {
        _ = try await bench.model.registry.setPolicy(
            of: bench.model.name, change, as: Provenance(actor: "operator", reason: "test"))
    }

    private func submit(_ count: Int, _ modules: [String] = ["l0.m00"], to bench: Bench) async throws {
        for device in 0..<count {
            try await bench.model.submit(
                modules.map { ModelFixture.Trained($0) }, from: "device-\(device)", seed: UInt64(device))
        }
    }

    @Test("is followed by the next round, which says so, and wins over the trainer's settings")
    func followed() async throws {
        var settings = TrainerPolicy()
        settings.minimumUpdates = 5
        try await withBench(policy: settings) { bench in
            try await submit(3, ["l0.m00", "selector0"], to: bench)
            #expect(try await bench.round() == nil)
            try await set(
                PolicyChange(
                    rule: "median", minimumUpdates: 2, maximumUpdates: 2, trainsSelector: true, requiredUpdates: 1,
                    requiredDevices: 1), bench)
            #expect(try await bench.round()?.updates.count == 2)
            #expect(try await bench.round() == nil)
            try await set(PolicyChange(minimumUpdates: 1), bench)
            #expect(try await bench.round()?.updates.count == 1)
            let rounds = try await bench.model.registry.rounds(of: bench.model.name).items
            #expect(rounds.map(\.policyRevision) == [2, 1])
            #expect(rounds.map(\.rule) == ["median_selector", "median_selector"])
            #expect(try await bench.model.versions()["selector0"]?.version == 3)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("is absent from the rounds of a model that has none")
    func absent() async throws {
        try await withBench { bench in
            try await submit(1, to: bench)
            _ = try await bench.round()
            let round = try #require(try await bench.model.registry.rounds(of: bench.model.name).items.first)
            #expect(round.policyRevision == nil)
            #expect(round.rule == "importance_mean")
        }
    }

    @Test("that this trainer cannot follow stops the rounds, and blames no update")
    func unknown() async throws {
        try await withBench { bench in
            try await submit(2, to: bench)
            // As a newer program has it that migrated the database.
            try await bench.database.pool.query(
                """
                INSERT INTO eclm.policy_methods (kind, name, summary, maximum_updates)
                VALUES ('rule', 'rule_of_tomorrow', 'unknown here', 256)
                """)
            try await bench.database.pool.query(
                """
                INSERT INTO eclm.policies (model_id, rule, minimum_updates, maximum_updates, maximum_wait)
                SELECT model_id, 'rule_of_tomorrow', 1, 256, 60 FROM eclm.models
                """)
            await #expect {
                _ = try await bench.round()
            } throws: { error in
                (error as? TrainerError)?.code == .registryUnfit && "\(error)".contains("rule_of_tomorrow")
            }
            #expect(try await bench.count("SELECT count(*) FROM eclm.updates WHERE status = 'pending'") == 2)
        }
    }

    @Test("lets a round wait for as many updates as the rule needs, however long they wait")
    func needs() async throws {
        try await withBench { bench in
            try await set(PolicyChange(rule: "krum", parameters: ["f": 1], maximumWait: 0), bench)
            try await submit(4, to: bench)
            #expect(try await bench.round() == nil)
            #expect(try await bench.trainer.drain().isEmpty)
            try await bench.model.submit([.init("l0.m00"), .init("stem0")], from: "device-5", seed: 5)
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates.count == 5)
            // Only one device trained the stem: nothing protects it there.
            #expect(outcome.heldBack == ["stem0"])
            #expect(outcome.newVersions == 1)
            #expect(try await bench.model.versions()["stem0"]?.version == 1)
            let weights = try await bench.database.pool.query("SELECT weight FROM eclm.round_inputs").map {
                try $0.decode("weight", as: Double.self)
            }
            #expect(weights.sorted() == [0, 0, 0, 0, 1])
        }
    }

    @Test("keeps extreme values of one device out of the median, and bounded when they are clipped")
    func extremes() async throws {
        for (rule, parameters) in [
            ("median", [:]), ("geometric_median", [:]), ("krum", ["f": 0]), ("sample_mean", ["clip_norm": 1.0]),
        ] {
            try await withBench(dtype: .f64) { bench in
                let base = try #require(try await bench.model.versions()["l0.m00"])
                let before = try await bench.model.tensors(base.digest)
                var builder = SafetensorsBuilder()
                for tensor in base.tensors {
                    let values = [Double](repeating: 1e308, count: tensor.elementCount ?? 0)
                    try builder.add(tensor, bytes: values.withUnsafeBytes { Array($0) })
                }
                try await submit(3, to: bench)
                try await bench.model.submit([.init("l0.m00", bytes: try builder.build())], from: "evil")
                try await set(PolicyChange(rule: rule, parameters: parameters.mapValues { $0 }), bench)
                _ = try await bench.round()
                let version = try #require(try await bench.model.versions()["l0.m00"])
                #expect(version.version == 2)
                let after = try await bench.model.tensors(version.digest)
                for (name, values) in after {
                    let moved = zip(values, before[name] ?? []).map { abs($0 - $1) }.max() ?? 0
                    #expect(moved < 100, "\(rule) moved \(name) by \(moved)")
                }
            }
        }
    }

    @Test("wakes a service when it changes, and so does an update that goes back to the queue")
    func wakes() async throws {
        var settings = TrainerPolicy()
        settings.pollInterval = .seconds(3600)
        settings.maximumWait = .seconds(3600)
        try await withBench(policy: settings) { bench in
            try await set(PolicyChange(minimumUpdates: 2, maximumWait: 3600), bench)
            let task = Task { await bench.trainer.run() }
            defer { task.cancel() }
            let bad = try await bench.model.insertUnchecked(
                [.init("l0.m00", bytes: [1, 2, 3])], from: "device-1")
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await bench.status(bad) == .pending)
            try await set(PolicyChange(minimumUpdates: 1), bench)
            #expect(try await eventually { try await bench.status(bad) == .quarantined })
            let requeued = try await bench.model.registry.requeue(
                [bad], as: Provenance(actor: "operator", reason: "look again"))
            #expect(requeued.map(\.status) == [.pending])
            #expect(try await eventually { try await bench.status(bad) == .quarantined })
            #expect(try await bench.auditIsWhole())
        }
    }
}
