import PostgreSQL
import TestSupport
import Testing

@Suite("What an auditor asks in SQL")
struct AccountingTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        var statement: String
        var update: String?
        var lineage: String?
        var testDescription: String { statement }
    }

    static let faults: [Fault] = [
        Fault(
            statement: "DELETE FROM eclm.round_updates", update: "aggregated, but counted in 0 rounds",
            lineage: "1 updates that its round did not count"),
        Fault(
            statement: "UPDATE eclm.updates SET status = 'pending', decided_at = NULL WHERE update_id = 1",
            update: "pending, but counted in round 1"),
        Fault(
            statement: "INSERT INTO eclm.round_updates VALUES (2, 1, 1)", update: "pending, but counted in round 1"),
        Fault(
            statement: "UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = '', decided_at = now() "
                + "WHERE update_id = 2",
            update: "quarantined without a reason"),
        Fault(
            statement: "INSERT INTO eclm.lineage (module_version_id, update_id, weight) VALUES (4, 2, 0)",
            update: "pending, but part of a version", lineage: "1 updates that its round did not count"),
        Fault(
            statement: "UPDATE eclm.lineage SET module_version_id = 5 WHERE update_id = 1; "
                + "INSERT INTO eclm.rounds (model_id, number, base_release_id, rule, trainer, started_at) "
                + "VALUES (1, 2, 2, 'median', 'x', now()); INSERT INTO eclm.module_versions (model_id, module_id, version, "
                + "digest, dtype, tensors, bytes, parameters, flops, peak_memory, origin, round_id) SELECT model_id, "
                + "module_id, 3, digest, dtype, tensors, bytes, parameters, flops, peak_memory, origin, 2 "
                + "FROM eclm.module_versions WHERE module_version_id = 4",
            update: "part of a version of another round", lineage: "no update"),
        Fault(
            statement: "DELETE FROM eclm.lineage WHERE update_id = 1",
            update: "missing from the lineage of a version of its round", lineage: "no update"),
        Fault(statement: "DELETE FROM eclm.lineage WHERE parent_version_id IS NOT NULL", lineage: "0 parents"),
        Fault(
            statement: "UPDATE eclm.lineage SET weight = 0.5 WHERE update_id = 1", lineage: "weights with the sum 0.5"),
        Fault(
            statement: "DELETE FROM eclm.release_modules WHERE module_version_id = 4",
            lineage: "not in the release of its round"),
    ]

    @Test("finds nothing where all is well")
    func well() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            let rows = try await database.pool.query("SELECT problem FROM eclm.update_accounting")
            #expect(try rows.map { try $0.decode("problem", as: String?.self) } == [nil, nil])
            #expect(try await database.pool.query("SELECT FROM eclm.lineage_problems").isEmpty)
        }
    }

    @Test("finds what somebody wrote with the triggers off", arguments: faults)
    func fault(fault: Fault) async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await database.withConnection { connection in
                try await connection.execute(
                    script: "SET session_replication_role = replica; \(fault.statement);")
            }
            let updates = try await database.pool.query(
                "SELECT problem FROM eclm.update_accounting WHERE problem IS NOT NULL"
            ).map { try $0.decode("problem", as: String.self) }
            #expect(updates == (fault.update.map { [$0] } ?? []))
            let lineage = try await database.pool.query("SELECT problem FROM eclm.lineage_problems").map {
                try $0.decode("problem", as: String.self)
            }
            #expect(fault.lineage.map { lineage.contains($0) } ?? lineage.isEmpty, "\(lineage)")
        }
    }
}
