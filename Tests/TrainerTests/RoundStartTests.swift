import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("A round begins by the quorum of a module, or by command")
struct RoundStartTests {
    private static let operatorName = Provenance(actor: "operator", reason: "now")

    private func set(_ change: PolicyChange, _ bench: Bench) async throws {
        _ = try await bench.model.registry.setPolicy(of: bench.model.name, change, as: Self.operatorName)
    }

    /// Nothing but what is tested starts a round.
    private func patient(_ change: PolicyChange, _ bench: Bench) async throws {
        var change = change
        change.minimumUpdates = 100
        change.maximumWait = 86_400
        try await set(change, bench)
    }

    private func submit(_ modules: [String], from device: String, seed: UInt64 = 1, to bench: Bench) async throws {
        try await bench.model.submit(modules.map { ModelFixture.Trained($0) }, from: device, seed: seed)
    }

    @Test("when enough updates train one module, with all that wait; modules nobody trained keep their version")
    func quorum() async throws {
        try await withBench { bench in
            try await patient(PolicyChange(quorum: 3), bench)
            try await submit(["l0.m00", "selector0"], from: "d1", to: bench)
            try await submit(["l0.m01", "selector0"], from: "d2", to: bench)
            try await submit(["l0.m00", "selector0"], from: "d3", to: bench)
            // The selector is not trained: what is sent for it does not count.
            #expect(try await bench.round() == nil)
            #expect(try await bench.trainer.pendingModels().allSatisfy { $0.dueIn > .zero })
            try await submit(["l0.m00"], from: "d4", to: bench)
            #expect(try await bench.trainer.pendingModels().map(\.dueIn) == [.zero])
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates.count == 4 && outcome.newVersions == 2)
            let versions = try await bench.model.versions()
            #expect(versions["l0.m00"]?.version == 2 && versions["l0.m01"]?.version == 2)
            #expect(versions["stem0"]?.version == 1 && versions["selector0"]?.version == 1)
            #expect(try await RoundReplayer(registry: bench.model.registry).replay(round: 1, of: "mlp").isEqual)
        }
    }

    @Test("when somebody asks, and wakes the service; the request says which round answers it")
    func command() async throws {
        var settings = TrainerPolicy()
        settings.pollInterval = .seconds(3600)
        try await withBench(policy: settings) { bench in
            try await patient(PolicyChange(), bench)
            try await submit(["l0.m00"], from: "d1", to: bench)
            try await submit(["l0.m00"], from: "d2", seed: 2, to: bench)
            #expect(try await bench.round() == nil)
            let task = Task { await bench.trainer.run() }
            defer { task.cancel() }
            try await Task.sleep(for: .milliseconds(300))
            let registry = bench.model.registry
            let request = try await registry.requestRound(of: "mlp", as: Self.operatorName)
            #expect(try await eventually { try await registry.roundRequest(request.requestID).answeredAt != nil })
            let answered = try await registry.roundRequest(request.requestID)
            #expect(answered.round == 1 && answered.answer == "round 1 of 2 updates")
            // The answer is for one round: the next update waits again.
            try await submit(["l0.m00"], from: "d3", seed: 3, to: bench)
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await bench.count("SELECT count(*) FROM eclm.updates WHERE status = 'pending'") == 1)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("but never with fewer updates or devices than are required, however long they wait")
    func floor() async throws {
        var settings = TrainerPolicy()
        settings.maximumWait = .zero
        try await withBench(policy: settings) { bench in
            let registry = bench.model.registry
            func set(_ change: PolicyChange) async throws {
                _ = try await registry.setPolicy(of: "mlp", change, as: Self.operatorName)
            }
            // A median asks for three by itself, and of three devices.
            try await set(PolicyChange(rule: "median", maximumWait: 0))
            for seed in 0..<4 { try await submit(["l0.m00"], from: "d1", seed: UInt64(seed), to: bench) }
            #expect(try await bench.round() == nil)
            #expect(try await bench.trainer.drain().isEmpty)
            let request = try await registry.requestRound(of: "mlp", as: Self.operatorName)
            #expect(try await bench.round() == nil)
            #expect(
                try await registry.roundRequest(request.requestID).answer
                    == "no round: 3 updates of 3 devices are required, and 4 of 1 wait")
            try await submit(["l0.m00"], from: "d2", seed: 5, to: bench)
            #expect(try await bench.round() == nil)
            // One device that floods the queue does not keep the others out of a small round.
            try await set(PolicyChange(maximumUpdates: 3))
            try await submit(["l0.m00"], from: "d3", seed: 6, to: bench)
            let outcome = try #require(try await bench.round())
            let devices = try await bench.database.pool.query(
                "SELECT DISTINCT device_id FROM eclm.updates WHERE status = 'aggregated' ORDER BY 1"
            ).map { try $0.decode(0, as: String.self) }
            #expect(outcome.updates.count == 3 && devices == ["d1", "d2", "d3"])
            // What somebody asks for counts instead, of any rule.
            try await set(PolicyChange(rule: "sample_mean", requiredUpdates: 3, requiredDevices: 1))
            #expect(try await bench.round()?.updates.count == 3)
            try await submit(["l0.m00"], from: "d4", seed: 7, to: bench)
            #expect(try await bench.round() == nil)
            try await set(PolicyChange(requiredUpdates: 0))
            #expect(try await bench.round()?.updates.count == 1)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("and quarantine does not bring a round below what is required")
    func floorAfterQuarantine() async throws {
        try await withBench { bench in
            _ = try await bench.model.registry.setPolicy(
                of: "mlp", PolicyChange(rule: "median", maximumWait: 0), as: Self.operatorName)
            for device in 0..<2 { try await submit(["l0.m00"], from: "d\(device)", seed: UInt64(device), to: bench) }
            let bad = try await bench.model.insertUnchecked([.init("l0.m00", bytes: [1, 2, 3])], from: "bad")
            let outcome = try #require(try await bench.round())
            #expect(outcome.round == nil && outcome.quarantined.map(\.updateID) == [bad])
            #expect(try await bench.count("SELECT count(*) FROM eclm.updates WHERE status = 'pending'") == 2)
            #expect(try await bench.round() == nil)
        }
    }

    @Test("and a request that cannot be met is answered with the reason, once")
    func unmet() async throws {
        try await withBench { bench in
            let registry = bench.model.registry
            try await patient(PolicyChange(rule: "krum", parameters: ["f": 1]), bench)
            try await submit(["l0.m00"], from: "d1", to: bench)
            let few = try await registry.requestRound(of: "mlp", as: Self.operatorName)
            #expect(try await bench.round() == nil)
            #expect(
                try await registry.roundRequest(few.requestID).answer
                    == "no round: rule krum needs 5 updates, and 1 wait")

            // The update is decided before a trainer looks at the request.
            try await set(PolicyChange(rule: "sample_mean"), bench)
            let late = try await registry.requestRound(of: "mlp", as: Self.operatorName)
            try await bench.database.pool.query(
                "UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = 'test', decided_at = now()")
            #expect(try await bench.trainer.pendingModels().map(\.dueIn) == [.zero])
            #expect(try await bench.round() == nil)
            let answered = try await registry.roundRequest(late.requestID)
            #expect(answered.round == nil && answered.answer?.hasPrefix("no round: no update waits") == true)
            #expect(try await bench.trainer.pendingModels().isEmpty)

            let bad = try await bench.model.insertUnchecked([.init("l0.m00", bytes: [1, 2, 3])], from: "bad")
            let refused = try await registry.requestRound(of: "mlp", as: Self.operatorName)
            #expect(try await bench.round()?.quarantined.map(\.updateID) == [bad])
            #expect(try await registry.roundRequest(refused.requestID).answer?.contains("quarantined") == true)
        }
    }

    @Test("and two trainers answer a request with one round")
    func twoTrainers() async throws {
        try await withBench { bench in
            try await patient(PolicyChange(), bench)
            for device in 0..<6 { try await submit(["l0.m00"], from: "d\(device)", seed: UInt64(device), to: bench) }
            let request = try await bench.model.registry.requestRound(of: "mlp", as: Self.operatorName)
            try await bench.withOtherTrainer { other in
                let answered = try await eventually {
                    async let first = bench.trainer.runRound(model: "mlp")
                    async let second = other.runRound(model: "mlp")
                    _ = (try await first, try await second)
                    return try await bench.model.registry.roundRequest(request.requestID).answeredAt != nil
                }
                #expect(answered)
            }
            let answered = try await bench.model.registry.roundRequest(request.requestID)
            #expect(answered.round == 1)
            #expect(try await bench.count("SELECT count(*) FROM eclm.rounds") == 1)
        }
    }
}
