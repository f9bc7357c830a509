import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Errors of the registry")
struct RegistryErrorTests {
    @Test(
        "PostgreSQL's states get the registry's codes",
        arguments: [
            ("EC001", RegistryError.Code.failedPrecondition), ("EC002", .failedPrecondition), ("23505", .alreadyExists),
            ("23503", .failedPrecondition), ("23514", .invalidArgument), ("22003", .invalidArgument),
            ("23502", .invalidArgument), ("40001", .aborted), ("40P01", .aborted), ("55P03", .aborted),
            ("42501", .permissionDenied), ("53100", .resourceExhausted), ("53200", .resourceExhausted),
            ("57P01", .unavailable), ("57014", .cancelled), ("25006", .unavailable), ("42P01", .failedPrecondition),
            ("3F000", .failedPrecondition), ("42601", .internal), ("XX000", .internal),
        ])
    func states(state: String, code: RegistryError.Code) async throws {
        try await withDatabase(migrated: false) { database in
            let error = await #expect(throws: RegistryError.self) {
                try await registryErrors {
                    try await database.pool.withConnection { connection in
                        // Raised by the server, so that the client's own reading of the state is part of the test.
                        try await connection.execute(
                            script: "DO $$ BEGIN RAISE EXCEPTION 'told so' USING ERRCODE = '\(state)'; END $$")
                    }
                }
            }
            #expect(error?.code == code)
            #expect((error?.cause as? PostgresError)?.sqlState == state)
        }
    }

    @Test("A registry error and a cancellation pass unchanged through the mapping")
    func passing() async {
        let own = await #expect(throws: RegistryError.self) {
            try await registryErrors { throw RegistryError(.dataLoss, "lost") }
        }
        #expect(own?.code == .dataLoss)
        let cancelled = await #expect(throws: RegistryError.self) {
            try await registryErrors { throw CancellationError() }
        }
        #expect(cancelled?.code == .cancelled)
    }
}
