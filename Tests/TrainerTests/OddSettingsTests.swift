import Aggregation
import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("Whatever the database and the login have set")
struct OddSettingsTests {
    /// What a story leaves that must be the same everywhere.
    private struct Traces: Equatable {
        var versions: [String: Digest]
        var actions: [String]
        /// Times in the audit that are not written as UTC.
        var oddTimes: Int64
        var replayed: Bool
    }

    /// Publishes, submits, makes a round, moves a channel and rolls back.
    private func story(in database: TestDatabase) async throws -> Traces {
        let model = try await ModelFixture.publish(in: database)
        for device in ["a", "b"] {
            try await model.submit([.init("l0.m00"), .init("stem0", importance: 0.1)], from: device)
        }
        let outcome = try await database.withPool(as: .trainer) { pool in
            try await makeTrainer(pool, TrainerPolicy(), ImportanceWeightedMean(), "odd").runRound(model: model.name)
        }
        #expect(outcome?.release == 2)
        #expect(outcome?.quarantined.isEmpty == true)
        let versions = try await model.versions().mapValues(\.digest)
        _ = try await model.registry.moveChannel(
            of: model.name, channel: "canary", to: 2, as: Provenance(actor: "operator", reason: "Grüße"))
        _ = try await model.registry.rollback(
            model.name, channel: "stable", to: .release(1), as: Provenance(actor: "operator", reason: "back"))
        let replay = try await RoundReplayer(registry: model.registry).replay(round: 1, of: model.name)
        #expect(try await model.registry.verifyAudit().breaks.isEmpty)
        #expect(try await database.pool.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
        #expect(try await database.pool.query("SELECT * FROM eclm.lineage_problems").isEmpty)
        let actions = try await database.pool.query("SELECT action FROM eclm.audit ORDER BY sequence").map {
            try $0.decode("action", as: String.self)
        }
        let odd: Int64 = try await database.pool.query(
            """
            SELECT count(*) FROM eclm.audit a CROSS JOIN LATERAL jsonb_each_text(a.detail) d
            WHERE d.key LIKE '%\\_at' AND d.value NOT LIKE '%+00:00'
            """
        ).one().decode(0)
        return Traces(versions: versions, actions: actions, oddTimes: odd, replayed: replay.isEqual)
    }

    @Test("the registry does the same")
    func same() async throws {
        let plain = try await withDatabase { try await story(in: $0) }
        let odd = try await withDatabase { database in
            try await database.setOddly(for: .trainer)
            return try await story(in: database)
        }
        #expect(plain == odd)
        #expect(odd.oddTimes == 0)
        #expect(odd.replayed)
    }

    @Test("a session is as the registry needs it, and a login without triggers is turned away")
    func session() async throws {
        try await withDatabase { database in
            try await database.setOddly(for: .trainer)
            try await database.withPool(as: .trainer) { pool in
                for setting in [
                    "TimeZone": "UTC", "statement_timeout": "0", "lock_timeout": "0", "bytea_output": "hex",
                    "idle_session_timeout": "0", "search_path": "\"pg_catalog\", \"pg_temp\"",
                    "transaction_isolation": "read committed", "transaction_read_only": "off",
                ] {
                    let value: String = try await pool.query("SELECT current_setting(\(setting.key))").one().decode(0)
                    #expect(
                        value.replacing("\"", with: "") == setting.value.replacing("\"", with: ""), "\(setting.key)")
                }
            }
            try await database.withConnection { connection in
                _ = try await connection.query(
                    """
                    ALTER ROLE eclm_test_trainer IN DATABASE \(identifier: database.name)
                    SET session_replication_role = replica
                    """)
            }
            let error = await #expect(throws: PostgresError.self) {
                try await database.withPool(as: .trainer) { try await $0.query("SELECT 1") }
            }
            #expect(error?.code == .connectionRefused)
            #expect(error?.message.contains("session_replication_role") == true)
        }
    }
}
