import Aggregation
import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("A device left out of past rounds")
struct ForgetTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var rule: String
        var parameters: [String: Double] = [:]
        var honest = 3
        var optimizer = "none"
        var testDescription: String { "\(rule) \(parameters) \(optimizer)" }

        var policy: PolicyChange {
            PolicyChange(rule: rule, parameters: parameters.mapValues { $0 }, optimizer: optimizer)
        }
    }

    static let cases: [Case] = [
        Case(rule: "importance_mean"), Case(rule: "importance_mean", parameters: ["clip_norm": 2]),
        Case(rule: "sample_mean"), Case(rule: "median", parameters: ["clip_norm": 2]),
        Case(rule: "trimmed_mean", parameters: ["fraction": 0.3]),
        Case(rule: "multi_krum", parameters: ["f": 1, "m": 3], honest: 6), Case(rule: "geometric_median", honest: 4),
        Case(rule: "importance_mean", parameters: ["staleness": 0.5]),
        Case(rule: "importance_mean", optimizer: "fedavgm"), Case(rule: "sample_mean", optimizer: "fedadam"),
        Case(rule: "median", optimizer: "fedyogi"),
        Case(rule: "sample_mean", parameters: ["staleness": 2, "clip_norm": 2], optimizer: "fedadam"),
    ]

    @Test("leaves the bytes and weights of a history in which it never took part", arguments: cases)
    func twin(example: Case) async throws {
        try await withBench(width: 300) { bench in
            let twin = try await Story.twin(of: bench.model, in: bench.database)
            let story = Story(bench: bench)
            for model in [bench.model, twin] {
                _ = try await model.registry.setPolicy(
                    of: model.name, example.policy, as: Provenance(actor: "operator", reason: "test"))
            }
            for round in 0..<4 {
                // Differences told to the newest release, and one to the first.
                for device in 0..<example.honest {
                    for model in [bench.model, twin] {
                        try await story.submit(
                            to: model, from: "good-\(device)", round: round, release: device == 1 ? 1 : nil)
                    }
                }
                if round != 2 { try await story.submit(to: bench.model, from: "bad", round: round) }
                try await story.round(of: bench.model)
                try await story.round(of: twin)
            }
            let before = try await bench.model.versions()
            let planned = try await story.plan("bad")
            let outcome = try await story.forget("bad")
            #expect(outcome.leftOut.map(\.round) == [1, 2, 4] && outcome.release == 6)
            #expect(planned.leftOut == outcome.leftOut && planned.release == nil)
            #expect(planned.recomputed.map(\.module) == outcome.recomputed.map(\.module))
            try await story.expectEqual(bench.model, twin)
            let after = try await bench.model.versions()
            #expect(outcome.changes.map(\.module).sorted() == ["l0.m00", "l1.m01", "stem0"])
            for change in outcome.changes {
                #expect(change.fromVersion == before[change.module]?.version)
                #expect(change.toVersion == after[change.module]?.version)
            }
            // The versions on the way there are the twin's as well.
            let ways = try await bench.database.pool.query(
                """
                SELECT h.module, h.round, h.digest = t.digest AS equal,
                    (SELECT array_agg(l.weight ORDER BY l.update_id) FROM eclm.lineage l
                        WHERE l.module_version_id = h.module_version_id AND l.update_id IS NOT NULL)
                    = (SELECT array_agg(l.weight ORDER BY l.update_id) FROM eclm.lineage l
                        WHERE l.module_version_id = t.module_version_id AND l.update_id IS NOT NULL) AS weighs,
                    (SELECT s.digest FROM eclm.optimizer_states s WHERE s.module_version_id = h.module_version_id)
                    IS NOT DISTINCT FROM
                    (SELECT s.digest FROM eclm.optimizer_states s WHERE s.module_version_id = t.module_version_id) AS remembers
                FROM eclm.module_history h JOIN eclm.module_history t ON t.model = 'twin' AND t.module = h.module
                    AND t.round = h.round
                WHERE h.model = 'mlp' AND h.without_device = 'bad'
                """)
            #expect(ways.count == 12)
            for row in ways {
                #expect(try row.decode("equal", as: Bool.self) && row.decode("weighs", as: Bool.self), "\(row)")
                #expect(try row.decode("remembers", as: Bool.self), "\(row)")
            }
            let states = try await bench.count(
                """
                SELECT count(*) FROM eclm.optimizer_states s JOIN eclm.recomputed_versions USING (module_version_id)
                LEFT JOIN eclm.lineage l ON l.module_version_id = s.module_version_id AND l.parent_version_id IS NOT NULL
                WHERE s.previous_version_id IS NOT DISTINCT FROM CASE WHEN s.step > 1 THEN l.parent_version_id END
                """)
            #expect(states == (example.optimizer == "none" ? 0 : 12))
            try await story.expectForgotten("bad")
            try await story.expectReplayed(rounds: 4)
        }
    }

    @Test(
        "goes by what a round would have made, also where it made nothing, or has nothing left",
        arguments: ["none", "fedavgm"])
    func quiet(optimizer: String) async throws {
        try await withBench { bench in
            let twin = try await Story.twin(of: bench.model, in: bench.database)
            let story = Story(bench: bench)
            for model in [bench.model, twin] {
                _ = try await model.registry.setPolicy(
                    of: model.name,
                    PolicyChange(rule: "median", optimizer: optimizer, requiredUpdates: 1, requiredDevices: 1),
                    as: Provenance(actor: "operator", reason: "test"))
                let base = try await story.base(of: model, "l0.m00")
                // The median of nothing, more and less is nothing; without the third it is more.
                for (device, shift) in [("good-0", 0), ("good-1", 1), ("bad", -1)] as [(String, Float)]
                where device != "bad" || model.name == "mlp" {
                    try await model.submit(
                        [.init("l0.m00", bytes: try Story.shifted(base, by: shift), encoding: .delta)], from: device,
                        release: 1)
                }
                try await story.round(of: model)
            }
            #expect(try await bench.model.registry.release(of: "mlp", .standard).number == 1)
            // A round of its own.
            try await story.submit(to: bench.model, from: "bad", round: 1, release: 1)
            try await story.round(of: bench.model)
            for model in [bench.model, twin] {
                for device in 0..<3 {
                    try await story.submit(to: model, from: "good-\(device)", round: 2, release: 1)
                }
                try await story.round(of: model)
            }
            let outcome = try await story.forget("bad")
            #expect(outcome.leftOut.map(\.round) == [1, 2])
            try await story.expectEqual(bench.model, twin)
            try await story.expectForgotten("bad")
            try await story.expectReplayed(rounds: 3)
        }
    }

    @Test("counts how far an update was behind as its round did, though a round of the device alone is gone")
    func staleness() async throws {
        try await withBench { bench in
            let story = Story(bench: bench)
            _ = try await bench.model.registry.setPolicy(
                of: "mlp", PolicyChange(rule: "sample_mean", parameters: ["staleness": 1]),
                as: Provenance(actor: "operator", reason: "test"))
            try await story.submit(to: bench.model, from: "bad", round: 0)
            try await story.round(of: bench.model)
            for (device, release) in [("late", 1), ("good", 2)] {
                try await bench.model.submit([.init("l0.m00", samples: 10)], from: device, release: release)
            }
            try await story.round(of: bench.model)
            try await story.forget("bad")
            let weights = try await bench.database.pool.query(
                """
                SELECT l.weight FROM eclm.recomputed_history h JOIN eclm.lineage l USING (module_version_id)
                WHERE h.module = 'l0.m00' AND l.update_id IS NOT NULL ORDER BY l.update_id
                """
            ).map { try $0.decode("weight", as: Double.self) }
            #expect(weights.count == 2 && weights.first == 1.0 / 3 && weights.last == 2.0 / 3)
            try await story.expectReplayed(rounds: 2)
        }
    }

    @Test("goes on from what the optimizer remembered before the device came, and a round goes on from the result")
    func memory() async throws {
        try await withBench { bench in
            let twin = try await Story.twin(of: bench.model, in: bench.database)
            let story = Story(bench: bench)
            let provenance = Provenance(actor: "operator", reason: "test")
            for model in [bench.model, twin] {
                for (round, optimizer) in ["fedadam", "fedadam", "fedyogi", "none", "fedadam"].enumerated() {
                    _ = try await model.registry.setPolicy(
                        of: model.name, PolicyChange(rule: "importance_mean", optimizer: optimizer), as: provenance)
                    for device in 0..<2 { try await story.submit(to: model, from: "good-\(device)", round: round) }
                    if model.name == "mlp", round == 1 || round == 4 {
                        try await story.submit(to: model, from: "bad", round: round)
                    }
                    try await story.round(of: model)
                }
            }
            try await story.forget("bad")
            try await story.expectEqual(bench.model, twin)
            for model in [bench.model, twin] {
                try await story.submit(to: model, from: "good-0", round: 5)
                try await story.round(of: model)
            }
            try await story.expectEqual(bench.model, twin)
            try await story.expectReplayed(rounds: 6)
            let steps = try await bench.database.pool.query(
                """
                SELECT s.step FROM eclm.releases e JOIN eclm.models mo USING (model_id)
                JOIN eclm.release_modules rm USING (release_id) JOIN eclm.modules m ON m.module_id = rm.module_id
                JOIN eclm.optimizer_states s USING (module_version_id)
                WHERE m.name = 'l0.m00' AND (mo.name, e.number) IN (('mlp', 8), ('twin', 7))
                """
            ).map { try $0.decode("step", as: Int32.self) }
            #expect(steps == [2, 2])
        }
    }

    @Test("takes full weights as their difference to what was pulled")
    func full() async throws {
        try await withBench { bench in
            let story = Story(bench: bench)
            let first = try await story.base(of: bench.model, "l0.m00")
            try await bench.model.submit([.init("l0.m00")], from: "good-0", seed: 1)
            try await bench.model.submit([.init("l0.m00")], from: "bad", seed: 2)
            try await story.round(of: bench.model)
            let second = try await story.base(of: bench.model, "l0.m00")
            try await bench.model.submit([.init("l0.m00")], from: "good-1", seed: 3)
            try await story.round(of: bench.model)

            try await story.forget("bad")
            let aggregator = ModuleAggregator(rule: ImportanceWeightedMean())
            let honest = try bench.model.weights(of: "l0.m00", seed: 1 * 1000)
            let round1 = try await aggregator.aggregate([.init(file: honest)], of: .expert, onto: first)
            var residual: UpdateResidual?
            let difference = try UpdateEncoder.encode(
                trained: try bench.model.weights(of: "l0.m00", seed: 3 * 1000), base: second, as: .delta,
                residual: &residual)
            let round2 = try await aggregator.aggregate(
                [.init(file: difference, encoding: .delta, base: round1.file)], of: .expert, onto: round1.file)
            #expect(try await story.base(of: bench.model, "l0.m00") == round2.file)
            try await story.expectForgotten("bad")
            try await story.expectReplayed(rounds: 2)
        }
    }

    @Test("from a round or a time on, with what is pending, and other channels named")
    func since() async throws {
        try await withBench { bench in
            let twin = try await Story.twin(of: bench.model, in: bench.database)
            let story = Story(bench: bench)
            var secondRound = Date()
            for round in 0..<3 {
                if round == 1 { secondRound = Date() }
                for model in [bench.model, twin] {
                    try await story.submit(to: model, from: "good-0", round: round)
                    if model.name == "mlp" || round < 1 {
                        try await story.submit(to: model, from: "bad", round: round)
                    }
                    try await story.round(of: model)
                }
            }
            let pending = try await bench.model.submit([.init("l0.m01")], from: "bad", seed: 9)
            _ = try await bench.model.registry.moveChannel(
                of: "mlp", channel: "canary", to: 3, as: Provenance(actor: "operator", reason: "test"))
            let byRound = try await story.plan("bad", since: .round(2))
            let byTime = try await story.plan("bad", since: .time(secondRound))
            #expect(byRound.leftOut == byTime.leftOut && byRound.leftOut.map(\.round) == [2, 3])
            #expect(try await story.plan("bad", since: .round(9)).isUnaffected)
            #expect(byRound.quarantined == [pending])
            let untouched = try await bench.status(pending)
            #expect(untouched == .pending)
            let outcome = try await story.forget("bad", since: .round(2))
            try await story.expectEqual(bench.model, twin)
            #expect(outcome.otherChannels == ["canary"])
            #expect(try await bench.status(pending) == .quarantined)
            #expect(try await bench.reason(pending)?.contains("left out") == true)
        }
    }

    @Test("changes nothing where it went into nothing, and tells of a device nobody knows")
    func nothing() async throws {
        try await withBench { bench in
            let story = Story(bench: bench)
            try await story.submit(to: bench.model, from: "good-0", round: 0)
            try await story.round(of: bench.model)
            try await bench.model.submit([.init("l0.m01")], from: "late", seed: 9)
            let outcome = try await story.forget("late")
            #expect(outcome.isUnaffected && outcome.release == nil && outcome.quarantined.count == 1)
            #expect(try await bench.model.registry.release(of: "mlp", .standard).number == 2)
            await #expect {
                try await story.forget("absent")
            } throws: { ($0 as? TrainerError)?.code == .notFound }
        }
    }

    @Test("can be taken back, and done again")
    func back() async throws {
        try await withBench { bench in
            let story = Story(bench: bench)
            for round in 0..<2 {
                for device in ["good-0", "good-1", "bad"] {
                    try await story.submit(to: bench.model, from: device, round: round)
                }
                try await story.round(of: bench.model)
            }
            let before = try await bench.model.versions()
            try await story.forget("bad")
            let without = try await bench.model.versions()
            let provenance = Provenance(actor: "operator", reason: "it was another device")
            let error = await #expect(throws: RegistryError.self) {
                try await bench.model.registry.rollback("mlp", channel: "stable", to: .release(3), as: provenance)
            }
            #expect(error?.code == .failedPrecondition)
            _ = try await bench.model.registry.rollback(
                "mlp", channel: "stable", to: .release(3), reinstate: true, as: provenance)
            #expect(try await bench.model.versions().mapValues(\.version) == before.mapValues(\.version))
            // A round on what was brought back, then once more.
            try await story.submit(to: bench.model, from: "good-0", round: 2)
            try await story.round(of: bench.model)
            let again = try await story.forget("bad")
            #expect(again.leftOut.count == 2)
            try await story.expectForgotten("bad")
            try await story.expectReplayed(rounds: 3)
            _ = try await bench.model.registry.rollback(
                "mlp", channel: "stable", to: .release(4), reinstate: true, as: provenance)
            #expect(try await bench.model.versions().mapValues(\.digest) == without.mapValues(\.digest))
        }
    }

    @Test("and another one after it: neither took part")
    func two() async throws {
        try await withBench { bench in
            let twin = try await Story.twin(of: bench.model, in: bench.database)
            let story = Story(bench: bench)
            func play(_ rounds: Range<Int>, _ devices: [String], of model: ModelFixture) async throws {
                for round in rounds {
                    for device in devices {
                        try await story.submit(
                            to: model, from: device, round: round, release: round == 2 && device == "good-1" ? 2 : nil)
                    }
                    try await story.round(of: model)
                }
            }
            try await play(0..<3, ["good-0", "worse", "good-1", "bad"], of: bench.model)
            try await play(0..<3, ["good-0", "good-1"], of: twin)
            try await story.forget("bad")
            try await play(3..<5, ["good-0", "worse", "good-1"], of: bench.model)
            try await play(3..<5, ["good-0", "good-1"], of: twin)
            let outcome = try await story.forget("worse")
            #expect(outcome.leftOut.map(\.round) == [1, 2, 3, 4, 5])
            try await story.expectEqual(bench.model, twin)
            try await story.expectForgotten("bad")
            try await story.expectForgotten("worse")
            try await story.expectReplayed(rounds: 5)
        }
    }

    @Test("begins anew where a round is made meanwhile, which then counts", arguments: [1, 3])
    func overtaken(times: Int) async throws {
        try await withBench { bench in
            let twin = try await Story.twin(of: bench.model, in: bench.database)
            let story = Story(bench: bench)
            @Sendable func play(_ round: Int) async throws {
                for model in [bench.model, twin] {
                    try await story.submit(to: model, from: "good-0", round: round)
                    if model.name == "mlp" { try await story.submit(to: model, from: "bad", round: round) }
                    try await story.round(of: model)
                }
            }
            try await play(0)
            try await play(1)
            let overtaking = Overtaking(remaining: times)
            var forgetter = try DeviceForgetter(registry: bench.model.registry)
            forgetter.beforeCommit = {
                if let round = await overtaking.next() { try await play(round) }
            }
            let outcome = try await forgetter.forget(
                DeviceRemoval(device: "bad"), in: "mlp", channel: "stable",
                as: Provenance(actor: "operator", reason: "compromised"))
            let played = min(times, DeviceForgetter.maximumRestarts)
            #expect(outcome.fromRelease == 3 + played)
            try await story.expectEqual(bench.model, twin)
            try await story.expectForgotten("bad")
            #expect(try await bench.count("SELECT count(*) FROM eclm.recomputations") == 1)
        }
    }

    @Test("needs the roles of an operator and of a trainer, and a plan a reader's")
    func roles() async throws {
        try await withBench { bench in
            let story = Story(bench: bench)
            for device in ["good-0", "bad"] { try await story.submit(to: bench.model, from: device, round: 0) }
            try await story.round(of: bench.model)
            let provenance = Provenance(actor: "somebody", reason: "test")
            for role in [TestRole.operator, .trainer] {
                try await bench.database.withPool(as: role) { pool in
                    let forgetter = try DeviceForgetter(registry: bench.registry(over: pool))
                    let error = await #expect(throws: TrainerError.self) {
                        try await forgetter.forget(
                            DeviceRemoval(device: "bad"), in: "mlp", channel: "stable", as: provenance)
                    }
                    #expect(error?.code == .permissionDenied)
                }
            }
            let planned = try await bench.database.withPool(as: .reader) { pool in
                try await DeviceForgetter(registry: bench.registry(over: pool)).plan(
                    DeviceRemoval(device: "bad"), in: "mlp", channel: "stable")
            }
            #expect(planned.leftOut.count == 1)
            try await TestCluster.withMaintenance { connection in
                try await connection.execute(
                    script: """
                        DO $$ BEGIN
                            CREATE ROLE eclm_test_forgetter LOGIN IN ROLE eclm_operator, eclm_trainer;
                        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                        END $$
                        """)
            }
            let pool = PostgresPool(
                configuration: PostgresConfiguration(
                    connectionString: TestCluster.connectionString(
                        database: bench.database.name, user: "eclm_test_forgetter")))
            let outcome = try await DeviceForgetter(registry: bench.registry(over: pool)).forget(
                DeviceRemoval(device: "bad"), in: "mlp", channel: "stable", as: provenance)
            await pool.shutdown()
            #expect(outcome.release == 3)
        }
    }
}

/// Gives the numbers of rounds to play, as many as were asked for.
private actor Overtaking {
    private var remaining: Int
    private var round = 1

    init(remaining: Int) { self.remaining = remaining }

    func next() -> Int? {
        guard remaining > 0 else { return nil }
        remaining -= 1
        round += 1
        return round
    }
}
