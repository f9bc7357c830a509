import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("Numbers that a restored registry leaves out")
struct NumberJumpTests {
    @Test("make no update older, in a round and in its replay")
    func staleness() async throws {
        try await withBench { bench in
            let registry = bench.model.registry
            _ = try await registry.setPolicy(
                of: "mlp",
                PolicyChange(rule: "importance_mean", parameters: ["staleness": 0.5, "maximum_staleness": 2]),
                as: Provenance(actor: "operator", reason: "test"))
            try await bench.model.submit([.init("stem0")], from: "device-1", seed: 1)
            #expect(try await bench.round()?.release == 2)
            for _ in 0..<2 {
                _ = try await registry.beginIncarnation(as: Provenance(actor: "operator", reason: "test"))
            }
            try await bench.model.submit([.init("stem0")], from: "device-2", seed: 2)
            #expect(try await bench.round()?.release == 200_001)
            // One, two and no releases behind.
            let updates = [
                try await bench.model.submit([.init("l0.m00")], from: "device-3", release: 2, seed: 3),
                try await bench.model.submit([.init("l0.m00")], from: "device-4", release: 1, seed: 4),
                try await bench.model.submit([.init("l0.m00")], from: "device-5", seed: 5),
            ]
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == updates && outcome.release == 200_002, "\(outcome)")
            let weights = try await bench.database.pool.query(
                "SELECT weight FROM eclm.round_inputs WHERE module = 'l0.m00' ORDER BY update_id"
            ).map { try $0.decode("weight", as: Double.self) }
            let shares = [0, 1, 2].map { 1 / (Double($0) + 1).squareRoot() }
            let wanted = [shares[1], shares[2], shares[0]].map { $0 / shares.reduce(0, +) }
            #expect(zip(weights, wanted).allSatisfy { abs($0 - $1) < 1e-12 } && weights.count == 3, "\(weights)")
            #expect(try await RoundReplayer(registry: registry).replay(round: 3, of: "mlp").isEqual)
            let old = try await bench.model.submit([.init("l0.m00")], from: "device-6", release: 1, seed: 6)
            #expect(try await bench.round()?.quarantined.map(\.updateID) == [old])
            #expect(try await bench.reason(old)?.contains("3 releases behind") == true)
        }
    }
}
