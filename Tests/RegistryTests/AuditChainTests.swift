import PostgreSQL
import TestSupport
import Testing

@Suite("The audit's chain")
struct AuditChainTests {
    /// What somebody with the owner's rights, who disables the triggers, may do to hide or invent something.
    static let tamperings = [
        "UPDATE eclm.audit SET actor = 'nobody' WHERE sequence = 3",
        "UPDATE eclm.audit SET at = at + interval '1 microsecond' WHERE sequence = 3",
        "UPDATE eclm.audit SET action = 'release.update' WHERE sequence = 3",
        "UPDATE eclm.audit SET object = '99' WHERE sequence = 3",
        "UPDATE eclm.audit SET object_kind = 'round' WHERE sequence = 3",
        "UPDATE eclm.audit SET detail = detail || '{\"reason\": \"another\"}' WHERE sequence = 3",
        // A field's end moved into the next one.
        "UPDATE eclm.audit SET actor = actor || 'c', action = substr(action, 2) WHERE sequence = 3",
        "UPDATE eclm.audit SET hash = sha256('x') WHERE sequence = 3",
        "UPDATE eclm.audit SET previous_hash = sha256('x') WHERE sequence = 3",
        "DELETE FROM eclm.audit WHERE sequence = 1",
        "DELETE FROM eclm.audit WHERE sequence = 3",
        "DELETE FROM eclm.audit WHERE sequence = (SELECT max(sequence) FROM eclm.audit)",
        "DELETE FROM eclm.audit",
        "UPDATE eclm.audit SET sequence = sequence + 1000 WHERE sequence >= 3",
        // Two rows exchanged.
        "UPDATE eclm.audit SET sequence = 7 - sequence + 1000 WHERE sequence IN (3, 4); "
            + "UPDATE eclm.audit SET sequence = sequence - 1000 WHERE sequence > 1000",
        // A row changed and hashed anew, without the rows after it.
        "UPDATE eclm.audit SET actor = 'nobody', hash = eclm.audit_hash(previous_hash, sequence, at, 'nobody', action, "
            + "object_kind, object, detail) WHERE sequence = 3",
        // The last row changed and hashed anew, without the head.
        "UPDATE eclm.audit SET actor = 'nobody', hash = eclm.audit_hash(previous_hash, sequence, at, 'nobody', action, "
            + "object_kind, object, detail) WHERE sequence = (SELECT max(sequence) FROM eclm.audit)",
        // A well-formed row added at the end.
        "INSERT INTO eclm.audit SELECT sequence + 1, at, actor, action, object_kind, object, detail, hash, "
            + "eclm.audit_hash(hash, sequence + 1, at, actor, action, object_kind, object, detail) FROM eclm.audit "
            + "ORDER BY sequence DESC LIMIT 1",
        "UPDATE eclm.audit_seals SET sequence = sequence - 1 WHERE sequence = (SELECT max(sequence) FROM eclm.audit)",
        "UPDATE eclm.audit_seals SET hash = sha256('x') WHERE sequence = (SELECT max(sequence) FROM eclm.audit)",
        "UPDATE eclm.audit_seals SET hash = sha256('x') WHERE sequence = 3",
        "DELETE FROM eclm.audit_seals WHERE sequence = (SELECT max(sequence) FROM eclm.audit)",
        "DELETE FROM eclm.audit_seals",
    ]

    @Test("Every kind of tampering breaks the chain")
    func tampering() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await database.withConnection { connection in
                #expect(try await connection.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
                for tampering in Self.tamperings {
                    try await connection.execute(
                        script: "BEGIN; SET LOCAL session_replication_role = replica; \(tampering);")
                    let breaks = try await connection.query("SELECT sequence, problem FROM eclm.audit_breaks()")
                    try await connection.execute(script: "ROLLBACK")
                    #expect(!breaks.isEmpty, "\(tampering)")
                }
                #expect(try await connection.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
            }
        }
    }

    @Test("Changes committed at once by many are one chain")
    func concurrency() async throws {
        try await withDatabase { database in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        _ = try await database.pool.query("INSERT INTO eclm.models (name) VALUES (\("m\(number)"))")
                    }
                }
                try await group.waitForAll()
            }
            while try await database.pool.query("SELECT eclm.seal_audit() AS n").one().decode("n", as: Int.self) > 0 {}
            let row = try await database.pool.query("SELECT count(*) AS n, max(sequence) AS last FROM eclm.audit").one()
            #expect(try row.decode("n", as: Int.self) == 40)
            #expect(try row.decode("last", as: Int.self) == 40)
            #expect(try await database.pool.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
        }
    }

    @Test("The chain reads the same in every time zone and number format of a session")
    func sessionSettings() async throws {
        try await withDatabase { database in
            try await SchemaStory.tell(in: database)
            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'German'; SET extra_float_digits = 0;
                        SET bytea_output = 'escape'; SET IntervalStyle = 'iso_8601';
                        INSERT INTO eclm.models (name) VALUES ('elsewhere');
                        """)
                #expect(try await connection.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
            }
            #expect(try await database.pool.query("SELECT * FROM eclm.audit_breaks()").isEmpty)
        }
    }
}
