import Logging
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Tables beside the audit's chain")
struct AuditDifferenceTests {
    @Test(
        "that somebody changed past the triggers are named row by row",
        arguments: [
            ("UPDATE eclm.channels SET release_id = 1", ["channel"], "release_id is 1, and the audit tells 3"),
            ("UPDATE eclm.channels SET revision = revision + 1", ["channel"], "at revision"),
            ("UPDATE eclm.channel_moves SET to_release_id = 1", ["channel"], "the one before led to release"),
            ("DELETE FROM eclm.channel_moves WHERE revision = 2", ["channel"], "came from release 2"),
            (
                "UPDATE eclm.costs SET flops = 1 WHERE module_version_id = 1", ["cost"],
                "11, 1, NULL, and the audit tells 11, 10"
            ),
            ("UPDATE eclm.costs SET latency_us = 0 WHERE module_version_id = 1", ["cost"], "0, and the audit tells"),
            ("DELETE FROM eclm.costs WHERE module_version_id = 1", ["cost"], "are gone"),
            (
                "INSERT INTO eclm.costs (module_version_id, device_class_id, memory, flops) VALUES (2, 1, 1, 1)",
                ["cost"],
                "tells of no costs"
            ),
            ("UPDATE eclm.updates SET sample_count = 11 WHERE update_id = 1", ["update"], "what the device submitted"),
            (
                "UPDATE eclm.update_modules SET sample_count = 11 WHERE update_id = 2", ["update"],
                "what the device submitted"
            ),
            (
                "UPDATE eclm.update_modules SET importance = 0.5 WHERE update_id = 1", ["update"],
                "what the device submitted"
            ),
            ("DELETE FROM eclm.update_modules WHERE update_id = 1", ["update"], "what the device submitted"),
            ("UPDATE eclm.updates SET decided_at = decided_at + interval '1 us'", ["update"], "decided_at is"),
            ("UPDATE eclm.device_classes SET memory = 5", ["device_class"], "memory is 5, and the audit tells 1000"),
            ("UPDATE eclm.devices SET registered_at = now()", ["device"], "registered_at is"),
            ("UPDATE eclm.releases SET number = 9 WHERE number = 1", ["release"], "number is 9, and the audit tells 1"),
            ("UPDATE eclm.rounds SET trainer = 'x'", ["round"], "trainer is x, and the audit tells trainer-1"),
            ("UPDATE eclm.withdrawals SET withdrawn_by = 'x'", ["withdrawal"], "withdrawn_by is x"),
            ("DELETE FROM eclm.policies", ["policy"], "the row is gone"),
            ("INSERT INTO eclm.models (name) VALUES ('stranger')", ["model"], "the audit tells of no such row"),
        ])
    func tampering(statement: String, kinds: [String], problem: String) async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            let registry = Registry(
                pool: database.pool, blobs: BlobStore(pool: database.pool), logger: Logger(label: "test"))
            #expect(try await registry.verifyAudit().differences.isEmpty)
            try await database.withConnection(as: .superuser) { connection in
                try await connection.execute(script: "SET session_replication_role = replica; \(statement)")
            }
            let found = try await registry.verifyAudit()
            #expect(found.breaks.isEmpty)
            #expect(Set(found.differences.map(\.objectKind)) == Set(kinds), "\(found.differences)")
            #expect(found.differences.contains { $0.problem.contains(problem) }, "\(found.differences)")
            #expect(try await registry.auditDifferences(of: kinds) == found.differences)
            #expect(try await registry.auditDifferences(of: ["hand_over"]).isEmpty)
        }
    }

    @Test("are compared with what waits for the chain, too, and whatever the session's settings were")
    func waiting() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await database.withConnection(as: .superuser) { connection in
                try await connection.execute(
                    script: """
                        SET TimeZone = 'Asia/Kolkata'; SET bytea_output = escape; SET extra_float_digits = 0;
                        BEGIN ISOLATION LEVEL REPEATABLE READ;
                        UPDATE eclm.devices SET attributes = '{"os": "other"}';
                        UPDATE eclm.costs SET memory = 77;
                        INSERT INTO eclm.models (name) VALUES ('waits');
                        COMMIT;
                        """)
                let waiting: Int64 = try await connection.query("SELECT count(*) AS n FROM eclm.audit_waiting").one()
                    .decode("n")
                #expect(waiting == 3)
                #expect(try await connection.query("SELECT * FROM eclm.audit_differences()").isEmpty)
                try await connection.execute(
                    script: "SET session_replication_role = replica; UPDATE eclm.costs SET memory = 78")
                let rows = try await connection.query("SELECT object_kind, sequence FROM eclm.audit_differences()")
                #expect(try rows.map { try $0.decode("object_kind", as: String.self) } == ["cost", "cost"])
                #expect(try rows.allSatisfy { try $0.decode("sequence", as: Int64?.self) == nil })
            }
        }
    }
}
