import Foundation
import PostgreSQL
import TestSupport
import Testing

@Suite("The ledger of private rounds")
struct PrivacySchemaTests {
    /// What the error of a transaction says.
    private func sqlState(_ script: String, in database: TestDatabase) async throws -> String? {
        try await database.withConnection { connection in
            do {
                try await connection.execute(script: "BEGIN; \(script); COMMIT")
                return nil
            } catch let error as PostgresError {
                return error.sqlState
            }
        }
    }

    /// Update 3 or 4, of a device.
    private static func update(_ key: String, of device: String = "phone") -> String {
        """
        INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest, sample_count)
            VALUES ('\(device)', 1, 3, '\(key)', sha256('\(key)'), 10);
        INSERT INTO eclm.update_modules (update_id, model_id, module_id, base_version_id, digest, importance, sample_count)
            VALUES ((SELECT max(update_id) FROM eclm.updates), 1, 2, 2, sha256('trained'), 1, 10)
        """
    }

    private func withStory(_ body: @Sendable (TestDatabase) async throws -> Void) async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await SchemaStory.keepPrivate(in: database)
            try await database.withConnection(as: .device) {
                try await $0.execute(script: "BEGIN; \(Self.update("c")); \(Self.update("d")); COMMIT")
            }
            try await body(database)
        }
    }

    @Test("charges the devices that a round counted, tells what a release may give away, and is in the audit")
    func charges() async throws {
        try await withStory { database in
            let row = try await database.pool.query("SELECT device_id, rounds, rho FROM eclm.privacy_ledger").one()
            #expect(try row.decode("device_id", as: String.self) == "phone")
            #expect(try row.decode("rounds", as: Int32.self) == 1)
            #expect(try row.decode("rho", as: Double.self) == 0.125)
            #expect(
                try await sqlState(
                    "\(SchemaStory.privateRound(3, of: 3)); \(SchemaStory.charge)", in: database) == nil)
            try await database.withConnection(as: .reader) { connection in
                let newest = try await connection.query(
                    "SELECT rho, devices, private_rounds FROM eclm.round_privacy ORDER BY number DESC LIMIT 1"
                ).one()
                #expect(try newest.decode("rho", as: Double.self) == 0.25)
                #expect(try newest.decode("devices", as: Int32.self) == 1)
                #expect(try newest.decode("private_rounds", as: Int32.self) == 2)
                let releases = try await connection.query(
                    "SELECT epsilon, private_rounds, unprotected_rounds FROM eclm.release_privacy ORDER BY release")
                // The first round had no privacy; the private ones made no release.
                #expect(try releases.map { try $0.decode("epsilon", as: Double?.self) } == [0, nil, nil])
                #expect(try releases.map { try $0.decode("unprotected_rounds", as: Int32.self) } == [0, 1, 1])
                #expect(try await connection.query("SELECT FROM eclm.privacy_problems").isEmpty)
                let audited = try await connection.query(
                    "SELECT FROM eclm.audit WHERE action = 'round_privacy.insert' AND detail ? 'rho'")
                #expect(audited.count == 2)
                #expect(try await connection.query("SELECT FROM eclm.audit_breaks()").isEmpty)
            }
        }
    }

    @Test("shows where it is not what the rounds come to")
    func problems() async throws {
        try await withStory { database in
            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        ALTER TABLE eclm.privacy_ledger DISABLE TRIGGER USER;
                        UPDATE eclm.privacy_ledger SET rho = rho / 2;
                        """)
                let problems = try await connection.query("SELECT device_id FROM eclm.privacy_problems")
                let devices = try problems.map { try $0.decode("device_id", as: String?.self) }
                #expect(Set(devices) == ["phone", nil])
            }
        }
    }

    @Test(
        "takes no round that is not charged, not private, or counts a device twice, and no policy it cannot account for"
    )
    func refusals() async throws {
        try await withStory { database in
            let round = SchemaStory.privateRound(3, of: 3)
            let policy =
                "INSERT INTO eclm.policies (model_id, rule, minimum_updates, maximum_updates, maximum_wait, parameters, quorum)"
                + " VALUES (1, 'private_mean', 1, 9, 60"
            let good = #""noise_multiplier": 1, "clip_norm": 1"#
            for (script, expected) in [
                (round, "EC002"),
                (
                    "\(round); INSERT INTO eclm.round_privacy (round_id) VALUES ((SELECT max(round_id) FROM eclm.rounds))",
                    "EC002"
                ),
                ("INSERT INTO eclm.round_privacy (round_id) VALUES (1)", "EC002"),
                (
                    """
                    \(round);
                    INSERT INTO eclm.round_updates (update_id, model_id, round_id)
                        VALUES (4, 1, (SELECT max(round_id) FROM eclm.rounds));
                    UPDATE eclm.updates SET status = 'aggregated', decided_at = now() WHERE update_id = 4;
                    \(SchemaStory.charge)
                    """, "EC002"
                ),
                ("\(round); \(SchemaStory.charge); UPDATE eclm.privacy_ledger SET rho = 0", "EC001"),
                (
                    "\(round); \(SchemaStory.charge.replacingOccurrences(of: "sha256('dice')", with: "'short'"))",
                    "23514"
                ),
                ("\(policy), '{\(good)}', 0)", "23514"), ("\(policy), '{\(good), \"delta\": 0}', 0)", "23514"),
                ("\(policy), '{\(good), \"delta\": 1e-6, \"norm_z\": 8}', 0)", "23514"),
                ("\(policy), '{\(good), \"delta\": 1e-6}', 3)", "23514"),
                ("\(policy), '{\(good), \"delta\": 1e-6}', 0)", nil),
            ] as [(String, String?)] {
                let state = try await sqlState(script, in: database)
                #expect(state == expected, "\(script)")
            }
        }
    }

    @Test("gives epsilons that grow with what was spent and with certainty, 0 for nothing and NULL for the unknown")
    func epsilon() async throws {
        try await withDatabase { database in
            try await database.withConnection(as: .reader) { connection in
                let row = try await connection.query(
                    """
                    SELECT eclm.privacy_epsilon(0, 1e-6) = 0 AS nothing, eclm.privacy_epsilon(NULL, 1e-6) IS NULL AS unknown,
                        eclm.privacy_epsilon(0.5, 1e-6) < eclm.privacy_epsilon(1, 1e-6) AS spent,
                        eclm.privacy_epsilon(0.5, 1e-6) < eclm.privacy_epsilon(0.5, 1e-9) AS certain,
                        eclm.privacy_epsilon(1e-12, 1e-6) >= 0 AND eclm.privacy_epsilon(1e8, 1e-300) > 1e8 AS extreme
                    """
                ).one()
                for column in ["nothing", "unknown", "spent", "certain", "extreme"] {
                    #expect(try row.decode(column, as: Bool.self), "\(column)")
                }
            }
        }
    }
}
