import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("What a round leaves for auditors")
struct LineageTests {
    @Test("tells every version's parents, with weights that sum to one")
    func inputs() async throws {
        try await withBench { bench in
            for device in 0..<4 {
                try await bench.model.submit(
                    [.init("l0.m00", importance: Double(device)), .init("stem0", samples: Int64(device + 1))],
                    from: "device-\(device)", seed: UInt64(device))
            }
            _ = try await bench.round()
            let sums = try await bench.database.pool.query(
                """
                SELECT module, version, sum(weight) AS sum, count(*) AS count, min(rule) AS rule
                FROM eclm.round_inputs GROUP BY module, version
                """)
            #expect(sums.count == 2)
            for row in sums {
                #expect(abs(try row.decode("sum", as: Double.self) - 1) < 1e-12)
                #expect(try row.decode("count", as: Int64.self) == 4)
                #expect(try row.decode("rule", as: String.self) == "importance_mean")
            }
            let weights = try await bench.database.pool.query(
                "SELECT weight FROM eclm.round_inputs WHERE module = 'l0.m00' ORDER BY update_id"
            ).map { try $0.decode("weight", as: Double.self) }
            #expect(zip(weights, [0, 1.0 / 6, 2.0 / 6, 3.0 / 6]).allSatisfy { abs($0 - $1) < 1e-12 })
        }
    }

    @Test("leads from a version through updates back to the first publication")
    func ancestors() async throws {
        try await withBench { bench in
            let first = try await bench.model.submit([.init("l0.m00")], from: "device-1", seed: 1)
            _ = try await bench.round()
            let second = try await bench.model.submit([.init("l0.m00")], from: "device-2", seed: 2)
            _ = try await bench.round()
            let version = try #require(try await bench.model.versions()["l0.m00"])
            #expect(version.version == 3)
            let rows = try await bench.database.pool.query(
                "SELECT kind, update_id, version FROM eclm.ancestors(\(version.moduleVersionID.rawValue))")
            let updates = Set(try rows.compactMap { try $0.decode("update_id", as: Int64?.self) })
            let versions = Set(try rows.compactMap { try $0.decode("version", as: Int32?.self) })
            #expect(updates == [first.rawValue, second.rawValue])
            #expect(versions == [1, 2])
        }
    }

    @Test("tells every update's fate, every channel's move, and keeps the audit chain whole")
    func fate() async throws {
        try await withBench { bench in
            let update = try await bench.model.submit([.init("l0.m00"), .init("l0.m01")], from: "device")
            _ = try await bench.round()
            let fate = try await bench.database.pool.query(
                "SELECT * FROM eclm.update_fate WHERE update_id = \(update.rawValue)"
            ).one()
            #expect(try fate.decode("status", as: String.self) == "aggregated")
            #expect(try fate.decode("round", as: Int32.self) == 1)
            #expect(try fate.decode("release", as: Int32.self) == 2)
            #expect(try fate.decode("modules", as: Int64.self) == 2)
            let move = try #require(
                try await bench.model.registry.channelHistory(of: bench.model.name, channel: "stable").items.first)
            #expect(move.action == .round)
            #expect(move.fromRelease == 1 && move.toRelease == 2)
            #expect(move.movedBy == "trainer-1")
            #expect(move.reason == "round 1 of 1 update")
            let round = try #require(try await bench.model.registry.rounds(of: bench.model.name).items.first)
            #expect(round.baseRelease == 1 && round.release == 2)
            #expect(round.trainer == "trainer-1")
            #expect(round.updates == 1 && round.versions == 2)
            #expect(round.startedAt <= round.committedAt)
            #expect(try await bench.auditIsWhole())
        }
    }
}
