import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("What surrounds the schema")
struct SurroundingsTests {
    /// Runs `body` with an empty database made by `options`, which a login may own.
    private func withOwnDatabase(
        _ options: SQL, owner: String? = nil, _ body: (PostgresConfiguration) async throws -> Void
    ) async throws {
        let name = "eclm_own_\(UUID().uuidString.prefix(8).lowercased())"
        try await TestCluster.withMaintenance { connection in
            if let owner { try await connection.query("CREATE ROLE \(identifier: owner) LOGIN") }
            try await connection.query("CREATE DATABASE \(identifier: name) TEMPLATE template0 \(options)")
        }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(
                try await body(
                    PostgresConfiguration(
                        connectionString: TestCluster.connectionString(database: name, user: owner))))
        } catch {
            outcome = .failure(error)
        }
        try await TestCluster.withMaintenance { connection in
            try await connection.query("DROP DATABASE \(identifier: name) WITH (FORCE)")
            if let owner { try await connection.query("DROP ROLE \(identifier: owner)") }
        }
        try outcome.get()
    }

    @Test("A database that cannot hold every text is refused before anything is made in it")
    func encoding() async throws {
        for encoding in ["SQL_ASCII", "LATIN1"] {
            try await withOwnDatabase("ENCODING '\(raw: encoding)' LC_COLLATE 'C' LC_CTYPE 'C'") { database in
                let error = await #expect(throws: RegistryError.self) { try await Migrator.embedded.migrate(database) }
                #expect(error?.code == .failedPrecondition)
                #expect(error?.message.contains(encoding) == true)
                #expect(error?.message.contains("ENCODING 'UTF8'") == true)
                let connection = try await PostgresConnection.connect(database)
                let isEmpty = try await connection.query("SELECT FROM pg_namespace WHERE nspname LIKE 'eclm%'").isEmpty
                #expect(isEmpty)
                await connection.close()
            }
        }
    }

    @Test("A login that may not migrate learns what it lacks")
    func rights() async throws {
        // Another registry of the server has made the roles, so that the login gets far.
        try await withDatabase { _ in
            let owner = "eclm_owner_\(UUID().uuidString.prefix(8).lowercased())"
            try await withOwnDatabase("OWNER \(identifier: owner)", owner: owner) { database in
                let error = await #expect(throws: RegistryError.self) { try await Migrator.embedded.migrate(database) }
                #expect(error?.code == .permissionDenied)
                #expect(error?.message.contains("0009_grants") == true)
                #expect(error?.message.contains("CREATEROLE") == true)
                #expect(error?.message.contains("WITH ADMIN OPTION") == true)
                #expect(error?.message.contains("that its work needs") == false)
            }
        }
    }

    @Test("Functions that check, or act for others, do not depend on the caller's settings")
    func functions() async throws {
        try await withDatabase { database in
            let open = try await database.pool.query(
                """
                SELECT p.proname::text AS name FROM pg_proc p
                WHERE p.pronamespace = 'eclm'::regnamespace AND p.prokind = 'f'
                    AND (p.prosecdef OR p.prorettype = 'trigger'::regtype)
                    AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')
                """)
            #expect(open.isEmpty)
            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        SET TimeZone = 'Asia/Tokyo'; SET bytea_output = 'escape'; SET extra_float_digits = -15;
                        SET search_path = 'nowhere';
                        INSERT INTO eclm.device_classes (name, memory, flops, dtypes, operators, runtime)
                            VALUES ('odd', 1, 1, '{F32}', '{}', '{1,0,0}');
                        """)
            }
            let made: String = try await database.pool.query(
                "SELECT detail ->> 'created_at' FROM eclm.audit WHERE action = 'device_class.insert'"
            ).one().decode(0)
            #expect(made.hasSuffix("+00:00"))
        }
    }
}
