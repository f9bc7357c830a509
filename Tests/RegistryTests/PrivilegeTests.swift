import PostgreSQL
import TestSupport
import Testing

@Suite("Least privilege")
struct PrivilegeTests {
    /// What each role must not do, although it can do its own work (SchemaTests tells that story).
    static let forbidden: [(TestRole, [String])] = [
        (
            .reader,
            [
                "INSERT INTO eclm.models (name) VALUES ('x')", "UPDATE eclm.channels SET release_id = 1",
                "SELECT token_digest FROM eclm.devices", "SELECT * FROM eclm.blob_uploads",
                "INSERT INTO eclm.blobs (digest, size) VALUES (sha256(''), 0)",
                "UPDATE eclm.blobs SET wanted_at = now()",
                "SELECT nextval('eclm.blob_storage_ids')", "SELECT eclm.observe_canaries('phone', 1, 1, '{}')",
                "SELECT * FROM eclm.round_seeds",
            ]
        ),
        (
            .device,
            [
                "INSERT INTO eclm.models (name) VALUES ('x')", "UPDATE eclm.channels SET release_id = 1",
                "INSERT INTO eclm.releases (model_id, number, origin) VALUES (1, 9, 'publish')",
                "UPDATE eclm.updates SET status = 'aggregated', decided_at = now()",
                "INSERT INTO eclm.device_classes (name, memory, flops, dtypes, operators, runtime) "
                    + "VALUES ('x', 1, 1, '{}', '{}', '{1,0,0}')",
                "UPDATE eclm.devices SET token_digest = sha256('x')", "INSERT INTO eclm.withdrawals DEFAULT VALUES",
                "INSERT INTO eclm.round_updates VALUES (1, 1, 1)", "UPDATE eclm.costs SET memory = 1",
                "INSERT INTO eclm.canary_observations (canary_id, device_id, candidate, value) VALUES (1, 'phone', true, 1)",
                "UPDATE eclm.canaries SET state = 'promoted'", "SELECT * FROM eclm.round_seeds",
                "INSERT INTO eclm.partials DEFAULT VALUES",
            ]
        ),
        (
            .publisher,
            [
                "INSERT INTO eclm.updates DEFAULT VALUES", "INSERT INTO eclm.rounds DEFAULT VALUES",
                "INSERT INTO eclm.lineage DEFAULT VALUES", "INSERT INTO eclm.withdrawals DEFAULT VALUES",
                "INSERT INTO eclm.devices DEFAULT VALUES", "SELECT token_digest FROM eclm.devices",
                "UPDATE eclm.updates SET status = 'pending'", "UPDATE eclm.device_classes SET memory = 1",
                "SELECT * FROM eclm.round_seeds", "INSERT INTO eclm.hand_overs DEFAULT VALUES",
            ]
        ),
        (
            .trainer,
            [
                "INSERT INTO eclm.models (name) VALUES ('x')", "INSERT INTO eclm.modules DEFAULT VALUES",
                "INSERT INTO eclm.updates DEFAULT VALUES", "INSERT INTO eclm.withdrawals DEFAULT VALUES",
                "UPDATE eclm.updates SET sample_count = 1000", "INSERT INTO eclm.devices DEFAULT VALUES",
                "SELECT token_digest FROM eclm.devices", "UPDATE eclm.costs SET memory = 1",
                "SELECT * FROM eclm.blob_uploads",
                "INSERT INTO eclm.recomputations (model_id, release_id, device_id) VALUES (1, 3, 'phone')",
                "INSERT INTO eclm.canaries (model_id) VALUES (1)",
                "UPDATE eclm.canaries SET alpha = 0.5", "SELECT eclm.observe_canaries('phone', 1, 1, '{}')",
                "UPDATE eclm.canary_observations SET value = 1",
                "INSERT INTO eclm.policies (model_id, rule, minimum_updates, maximum_updates, maximum_wait) "
                    + "VALUES (1, 'median', 1, 1, 0)",
                "INSERT INTO eclm.round_requests (model_id) VALUES (1)",
                // What a round cost is the database's to say.
                "INSERT INTO eclm.round_privacy (round_id, rho) VALUES (1, 0.001)",
                "INSERT INTO eclm.privacy_ledger VALUES (1, 'phone', 1, 0.001)",
                "INSERT INTO eclm.mirrored_releases DEFAULT VALUES",
                "INSERT INTO eclm.partial_aggregates DEFAULT VALUES",
                "UPDATE eclm.hand_overs SET sample_count = 1",
            ]
        ),
        (
            .operator,
            [
                "INSERT INTO eclm.models (name) VALUES ('x')", "INSERT INTO eclm.module_versions DEFAULT VALUES",
                "INSERT INTO eclm.updates DEFAULT VALUES", "INSERT INTO eclm.rounds DEFAULT VALUES",
                "SELECT token_digest FROM eclm.devices", "INSERT INTO eclm.blobs DEFAULT VALUES",
                "UPDATE eclm.withdrawals SET reason = 'other'", "INSERT INTO eclm.recomputed_versions VALUES (4, 1, 1)",
                "INSERT INTO eclm.recomputations (model_id, release_id, device_id, created_by) "
                    + "VALUES (1, 3, 'phone', 'somebody')",
                "UPDATE eclm.canaries SET promote_wealth = '{99}'",
                "UPDATE eclm.canary_observations SET block = 1", "INSERT INTO eclm.canaries (salt) VALUES ('x')",
                "INSERT INTO eclm.policies (model_id, rule, minimum_updates, maximum_updates, maximum_wait, created_by) "
                    + "VALUES (1, 'median', 1, 1, 0, 'somebody')",
                "INSERT INTO eclm.round_requests (model_id, answered_at, answer) VALUES (1, now(), 'no')",
                "UPDATE eclm.round_requests SET answered_at = now(), answer = 'no'",
                "INSERT INTO eclm.optimizer_states DEFAULT VALUES", "SELECT * FROM eclm.round_seeds",
                "INSERT INTO eclm.round_privacy (round_id) VALUES (1)",
            ]
        ),
    ]

    @Test("A role cannot do other roles' work", arguments: forbidden)
    func otherWork(role: TestRole, statements: [String]) async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await database.withConnection(as: role) { connection in
                for statement in statements { await expectDenied(statement, connection) }
            }
        }
    }

    @Test("No role writes the audit, the history of channels or the migrations", arguments: TestRole.allCases)
    func history(role: TestRole) async throws {
        guard role != .superuser else { return }
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await database.withConnection(as: role) { connection in
                for statement in [
                    "INSERT INTO eclm.audit SELECT * FROM eclm.audit", "UPDATE eclm.audit SET actor = 'x'",
                    "DELETE FROM eclm.audit", "UPDATE eclm.audit_seals SET sequence = 0",
                    "DELETE FROM eclm.audit_seals", "INSERT INTO eclm.audit_waiting DEFAULT VALUES",
                    "DELETE FROM eclm.audit_waiting", "SELECT FROM eclm.audit_lock FOR UPDATE",
                    "SELECT eclm.seal_waiting(1, true, true)",
                    "SELECT eclm.append_audit('a', 'b', 'c', '{}')", "SELECT * FROM eclm.audit_pending",
                    "DELETE FROM eclm.audit_pending", "INSERT INTO eclm.audit_pending DEFAULT VALUES",
                    "INSERT INTO eclm.channel_moves DEFAULT VALUES", "UPDATE eclm.privacy_ledger SET rho = 0",
                    "DELETE FROM eclm.privacy_ledger", "UPDATE eclm.round_seeds SET seed = sha256('x')",
                    "DELETE FROM eclm_meta.migrations", "CREATE TABLE eclm.mine (x int)", "DELETE FROM eclm.blobs",
                    "ALTER TABLE eclm.audit DISABLE TRIGGER ALL", "DROP TABLE eclm.audit", "TRUNCATE eclm.audit",
                    "SET session_replication_role = replica", "UPDATE eclm.blobs SET size = 1",
                ] { await expectDenied(statement, connection) }
                let breaks = try await connection.query("SELECT * FROM eclm.audit_breaks()")
                let versions = try await connection.query("SELECT FROM eclm.module_history")
                let ancestors = try await connection.query("SELECT * FROM eclm.ancestors(4)")
                #expect((breaks.count, versions.count, ancestors.count) == (0, 4, 2))
            }
        }
    }

    private func expectDenied(_ statement: String, _ connection: PostgresConnection) async {
        let error = await #expect(throws: PostgresError.self, "\(statement)") {
            try await connection.query(SQL(raw: statement))
        }
        #expect(error?.code == .insufficientPrivilege, "\(statement): \(String(describing: error))")
    }
}
