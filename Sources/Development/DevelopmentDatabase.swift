import PostgreSQL
import Registry

/// The database of a development registry, with a login for each program that has the rights of its work and no more.
struct DevelopmentDatabase {
    static let name = "eclm"

    let server: EmbeddedPostgreSQL
    /// Whether the registry is a region of another: its trainer also publishes and withdraws what the parent does.
    let isRegion: Bool

    /// The logins, and the group roles of the schema that each is a member of.
    private var logins: [(name: String, roles: [String])] {
        [
            ("registryd", ["eclm_device", "eclm_publisher", "eclm_operator"]),
            ("trainerd", isRegion ? ["eclm_trainer", "eclm_publisher", "eclm_operator"] : ["eclm_trainer"]),
        ]
    }

    /// Makes the database, migrates it and makes the logins; does what is missing of that.
    func prepare(_ migrator: Migrator, line: (String) -> Void) async throws {
        try await withConnection("postgres") { connection in
            let found = try await connection.query("SELECT FROM pg_database WHERE datname = \(Self.name)")
            if found.isEmpty { try await connection.query("CREATE DATABASE \(identifier: Self.name)") }
            for login in logins {
                let found = try await connection.query("SELECT FROM pg_roles WHERE rolname = \(login.name)")
                if found.isEmpty { try await connection.query("CREATE ROLE \(identifier: login.name) LOGIN") }
            }
        }
        try await withConnection(Self.name) { connection in
            let applied = try await migrator.migrate(on: connection)
            if !applied.isEmpty { line("applied \(applied.count) migrations") }
            for login in logins {
                for role in login.roles {
                    try await connection.query("GRANT \(identifier: role) TO \(identifier: login.name)")
                }
            }
        }
    }

    private func withConnection(
        _ database: String, _ body: (PostgresConnection) async throws -> Void
    ) async throws {
        var configuration = PostgresConfiguration(
            connectionString: server.connectionString(database: database), applicationName: "registryctl dev")
        configuration.statementCacheSize = 0
        let connection = try await PostgresConnection.connect(configuration)
        do {
            try await body(connection)
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }
}
