import Logging
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Appending to the audit")
struct AuditAppendTests {
    /// Rows that one transaction wrote, before it commits.
    private struct Work: Equatable {
        var seals: Int, rows: Int, pending: Int
    }

    private func addUpdates(_ count: Int, on connection: PostgresConnection) async throws {
        try await connection.query(
            """
            INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest, sample_count)
            SELECT 'phone', 1, 1, 'more-' || n, sha256('x'), 1 FROM generate_series(1, \(count)) n
            """)
    }

    private func work(of statements: String, in database: TestDatabase) async throws -> Work {
        try await database.withConnection { connection in
            try await connection.execute(script: "BEGIN; \(statements); SET CONSTRAINTS ALL IMMEDIATE")
            let rows = try await connection.query(
                """
                SELECT relname::text AS name, n_tup_ins AS inserted
                FROM pg_stat_xact_user_tables WHERE schemaname = 'eclm' AND relname LIKE 'audit%'
                """)
            var work = Work(seals: 0, rows: 0, pending: 0)
            for row in rows {
                switch try row.decode("name", as: String.self) {
                case "audit_seals": work.seals = try row.decode("inserted")
                case "audit": work.rows = try row.decode("inserted")
                case "audit_pending": work.pending = try row.decode("inserted")
                default: break
                }
            }
            try await connection.execute(script: "COMMIT")
            return work
        }
    }

    @Test("seals once, however many rows a statement changes or statements a transaction has")
    func linear() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await database.withConnection { try await addUpdates(5000, on: $0) }
            func quarantine(_ first: Int, _ last: Int) -> String {
                """
                UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = 'test', decided_at = now()
                WHERE idempotency_key IN (SELECT 'more-' || n FROM generate_series(\(first), \(last)) n)
                """
            }
            // A session plans the trigger's query for one row first, and uses it for many.
            let one = try await work(of: quarantine(1, 1), in: database)
            #expect(one == Work(seals: 1, rows: 1, pending: 1))
            let many = try await work(of: "\(quarantine(2, 2)); \(quarantine(3, 4500))", in: database)
            #expect(many == Work(seals: 1, rows: 4499, pending: 6))
            let statements = (4501...4700).map { quarantine($0, $0) }.joined(separator: "; ")
            #expect(try await work(of: statements, in: database) == Work(seals: 1, rows: 200, pending: 200))
            let devices = """
                INSERT INTO eclm.devices (device_id, device_class_id, token_digest)
                    SELECT 'd' || n, 1, sha256('token') FROM generate_series(1, 300) n
                """
            #expect(try await work(of: devices, in: database) == Work(seals: 1, rows: 300, pending: 300))
            #expect(try await database.pool.query("SELECT FROM eclm.audit_pending").isEmpty)
            #expect(try await database.pool.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
            let verification = try await Registry(
                pool: database.pool, blobs: BlobStore(pool: database.pool), logger: Logger(label: "test")
            ).verifyAudit()
            #expect(verification.breaks.isEmpty && verification.rows > 5000)
        }
    }

    @Test("tells each row's change, in order, by whom and why as of the end, and nothing of what was taken back")
    func content() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await database.withConnection { connection in
                try await addUpdates(3, on: connection)
                try await connection.execute(
                    script: """
                        BEGIN;
                        UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = 'r', decided_at = now()
                            WHERE idempotency_key IN ('more-1', 'more-2');
                        SAVEPOINT taken_back;
                        UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = 'r', decided_at = now()
                            WHERE idempotency_key = 'more-3';
                        ROLLBACK TO SAVEPOINT taken_back;
                        UPDATE eclm.updates SET status = status WHERE status = 'pending';
                        UPDATE eclm.devices SET token_digest = sha256('other') WHERE device_id = 'phone';
                        SET LOCAL eclm.actor = 'late'; SET LOCAL eclm.reason = 'why not';
                        COMMIT;
                        """)
            }
            let rows = try await database.pool.query(
                """
                SELECT a.action, a.actor, u.idempotency_key, a.detail ->> 'status' AS status, a.detail ->> 'reason' AS reason,
                    a.detail -> 'before' ->> 'status' AS before, a.detail::text AS detail
                FROM eclm.audit a LEFT JOIN eclm.updates u ON a.object = u.update_id::text
                WHERE a.actor = 'late' ORDER BY a.sequence
                """)
            #expect(
                try rows.map { try $0.decode("action", as: String.self) } == [
                    "update.update", "update.update", "device.update",
                ])
            #expect(
                try rows.prefix(2).map { try $0.decode("idempotency_key", as: String.self) } == ["more-1", "more-2"])
            for row in rows.prefix(2) {
                #expect(try row.decode("status", as: String.self) == "quarantined")
                #expect(try row.decode("before", as: String.self) == "pending")
            }
            #expect(try rows.allSatisfy { try $0.decode("reason", as: String.self) == "why not" })
            #expect(try rows.last?.decode("detail", as: String.self) == "{\"before\": {}, \"reason\": \"why not\"}")
            #expect(try await database.pool.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
        }
    }

    @Test("Rows from before migration 0014 still verify, and the chain goes on behind them")
    func older() async throws {
        try await withDatabase(migrated: false) { database in
            let files = Migrator.embedded.files
            try await database.withConnection { connection in
                for file in files where file.number < 14 { try await connection.execute(script: file.sql) }
                try await connection.execute(
                    script: "INSERT INTO eclm.models (name, summary) VALUES ('a', 'för'), ('b', '')")
                for file in files where file.number >= 14 { try await connection.execute(script: file.sql) }
                try await connection.execute(script: "INSERT INTO eclm.models (name) VALUES ('c')")
                let rows = try await connection.query("SELECT object FROM eclm.audit ORDER BY sequence")
                #expect(try rows.map { try $0.decode("object", as: String.self) } == ["1", "2", "3"])
                #expect(try await connection.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
            }
        }
    }
}
