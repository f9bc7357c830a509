import Logging
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Sealing the audit")
struct AuditSealTests {
    private func registry(_ database: TestDatabase) -> Registry {
        Registry(pool: database.pool, blobs: BlobStore(pool: database.pool), logger: Logger(label: "test"))
    }

    private func waiting(_ database: TestDatabase) async throws -> Int {
        try await database.pool.query("SELECT count(*) AS n FROM eclm.audit_waiting").one().decode("n")
    }

    private func names(_ database: TestDatabase) async throws -> [String] {
        try await database.pool.query("SELECT detail ->> 'name' AS name FROM eclm.audit ORDER BY sequence").map {
            try $0.decode("name")
        }
    }

    private static func add(_ name: String, on connection: PostgresConnection) async throws {
        try await connection.query("INSERT INTO eclm.models (name) VALUES (\(name))")
    }

    @Test("No commit waits for another's: what finds the chain's end taken follows in the chain later")
    func besideAnotherCommit() async throws {
        try await withDatabase { database in
            try await database.withConnection { first in
                try await first.execute(
                    script: "BEGIN; INSERT INTO eclm.models (name) VALUES ('first'); SET CONSTRAINTS ALL IMMEDIATE")
                // Has the chain's end until it commits. With the old lock this would wait for ever.
                try await database.pool.withConnection { try await Self.add("second", on: $0) }
                #expect(try await waiting(database) == 1)
                #expect(try await names(database).isEmpty)
                try await first.execute(script: "COMMIT")
            }
            #expect(try await names(database) == ["first"])
            // The next commit takes it along, before its own change.
            _ = try await database.pool.query("INSERT INTO eclm.models (name) VALUES ('third')")
            #expect(try await names(database) == ["first", "second", "third"])
            #expect(try await waiting(database) == 0)
            #expect(try await database.pool.query("SELECT FROM eclm.audit_breaks()").isEmpty)
        }
    }

    @Test("Whoever verifies or reads the audit seals first, and a reader may")
    func readers() async throws {
        try await withDatabase { database in
            try await database.pool.transaction(isolation: .repeatableRead) { try await Self.add("a", on: $0) }
            #expect(try await waiting(database) == 1)
            #expect(try await registry(database).audit().items.map(\.action) == ["model.insert"])
            try await database.pool.transaction(isolation: .serializable) { try await Self.add("b", on: $0) }
            let verification = try await registry(database).verifyAudit()
            #expect((verification.rows, verification.unsealed, verification.breaks.count) == (2, 0, 0))
            try await database.pool.transaction(isolation: .repeatableRead) { try await Self.add("c", on: $0) }
            try await database.withConnection(as: .reader) { reader in
                let sealed = try await reader.query("SELECT eclm.seal_audit() AS sealed").one()
                #expect(try sealed.decode("sealed", as: Int.self) == 1)
            }
            #expect(try await names(database) == ["a", "b", "c"])
        }
    }

    @Test("A change that ends after a later one was sealed is found all the same")
    func overtaken() async throws {
        try await withDatabase { database in
            try await database.withConnection { slow in
                try await slow.execute(
                    script: "BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO eclm.models (name) VALUES ('slow')")
                for number in 0..<5 {
                    _ = try await database.pool.query("INSERT INTO eclm.models (name) VALUES (\("quick-\(number)"))")
                }
                try await slow.execute(script: "COMMIT")
            }
            #expect(try await waiting(database) == 1)
            _ = try await database.pool.query("INSERT INTO eclm.models (name) VALUES ('last')")
            #expect(try await names(database).suffix(2) == ["slow", "last"])
            #expect(try await waiting(database) == 0)
        }
    }

    @Test("What a restored database left waiting is found, though its transactions are counted anew")
    func restored() async throws {
        try await withDatabase { database in
            try await database.pool.transaction(isolation: .repeatableRead) { try await Self.add("a", on: $0) }
            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET session_replication_role = replica;
                        UPDATE eclm.audit_seals SET seen = '900000000:900000000:';
                        RESET session_replication_role;
                        INSERT INTO eclm.models (name) VALUES ('b');
                        """)
            }
            #expect(try await names(database) == ["a", "b"])
        }
    }

    @Test("An append reads as many pages beside an open transaction after a thousand commits as after one")
    func openTransaction() async throws {
        try await withDatabase { database in
            func pages(_ name: String) async throws -> Int {
                try await database.withConnection { connection in
                    try await connection.execute(script: "BEGIN")
                    try await Self.add(name, on: connection)
                    let before = try await Self.pagesRead(on: connection)
                    try await connection.execute(script: "SET CONSTRAINTS ALL IMMEDIATE")
                    let read = try await Self.pagesRead(on: connection) - before
                    try await connection.execute(script: "ROLLBACK")
                    return read
                }
            }
            try await database.withConnection { open in
                try await open.execute(script: "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id()")
                for number in 0..<20 {
                    try await database.pool.withConnection { try await Self.add("few-\(number)", on: $0) }
                }
                let few = try await pages("few")
                try await database.withConnection { connection in
                    for number in 0..<1000 { try await Self.add("many-\(number)", on: connection) }
                }
                let many = try await pages("many")
                // Each index may have become one level deeper.
                #expect(many <= few + 20, "\(few) pages, then \(many)")
                try await open.execute(script: "ROLLBACK")
            }
        }
    }

    /// The pages of the audit's tables that this transaction has read, from memory or not.
    private static func pagesRead(on connection: PostgresConnection) async throws -> Int {
        try await connection.query(
            """
            SELECT coalesce(sum(pg_stat_get_xact_blocks_fetched(c.oid)), 0)::bigint AS pages FROM pg_class c
            WHERE c.relnamespace = 'eclm'::regnamespace AND c.relname LIKE 'audit%'
            """
        ).one().decode("pages")
    }
}
