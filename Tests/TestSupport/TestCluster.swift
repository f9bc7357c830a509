import Foundation
public import PostgreSQL
import Registry

/// The private PostgreSQL cluster that `Scripts/with-cluster` started around the tests.
public actor TestCluster {
    /// The process's one view of the cluster.
    public static let shared = TestCluster()

    /// Databases that exist at a time, so that tests running side by side stay below the cluster's connections.
    public static let maximumDatabases = 12

    private var template: Task<String, any Error>?
    private var created = 0
    private var free = TestCluster.maximumDatabases
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private static let environment = ProcessInfo.processInfo.environment
    /// The folder of its socket.
    static let host = environment["PGHOST"] ?? ""
    static let port = environment["PGPORT"] ?? "5432"
    static let superuser = environment["PGUSER"] ?? "postgres"

    /// Makes sure that the cluster is a throw-away one.
    /// - Throws: ``TestClusterError`` where it is not.
    static func require() throws {
        guard environment["ECLM_TEST_CLUSTER"] == "1", environment["PGHOST"] != nil else { throw TestClusterError() }
    }

    /// What connects to a database of the cluster, as `key='value'` pairs.
    public static func connectionString(database: String, user: String? = nil) -> String {
        connectionString(database: database, user: user, host: host, port: port)
    }

    /// What connects to a database of the cluster by another way, which leads to the cluster in the end.
    static func connectionString(database: String, user: String?, host: String, port: String) -> String {
        let pairs = [("host", host), ("port", port), ("user", user ?? superuser), ("dbname", database)]
        return pairs.map { key, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
            return "\(key)='\(escaped)'"
        }.joined(separator: " ")
    }

    static func withConnection<R: Sendable>(
        _ connectionString: String, _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        try require()
        var configuration = PostgresConfiguration(connectionString: connectionString, applicationName: "eclm tests")
        configuration.searchPath = ["public"]
        let connection = try await PostgresConnection.connect(configuration)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Runs `body` as superuser in the cluster's own database, for what belongs to no one database.
    @discardableResult
    public static func withMaintenance<R: Sendable>(
        _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        try await withConnection(connectionString(database: environment["PGDATABASE"] ?? "postgres"), body)
    }

    func enter() async throws {
        try Self.require()
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }

    func create(migrated: Bool) async throws -> TestDatabase {
        let source = migrated ? try await migratedTemplate() : "template0"
        created += 1
        let name = "eclm_test_\(ProcessInfo.processInfo.processIdentifier)_\(created)"
        try await Self.withMaintenance { connection in
            _ = try await connection.query("CREATE DATABASE \(identifier: name) TEMPLATE \(identifier: source)")
        }
        return TestDatabase(name: name)
    }

    func drop(_ database: TestDatabase) async {
        await Self.shutdown(database.pool)
        do {
            try await Self.withMaintenance { connection in
                _ = try await connection.query("DROP DATABASE IF EXISTS \(identifier: database.name) WITH (FORCE)")
            }
        } catch {
            // The cluster is thrown away as a whole; the test's own result counts more.
            FileHandle.standardError.write(Data("test database \(database.name) was not dropped: \(error)\n".utf8))
        }
    }

    /// Shuts a pool down, and stops waiting for connections that a failed test left in use.
    private static func shutdown(_ pool: PostgresPool) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pool.shutdown() }
            group.addTask { try? await Task.sleep(for: .seconds(5)) }
            await group.next()
            group.cancelAll()
        }
    }

    private func migratedTemplate() async throws -> String {
        if let template { return try await template.value }
        let task = Task { try await Self.makeTemplate() }
        template = task
        return try await task.value
    }

    private static func makeTemplate() async throws -> String {
        let name = "eclm_template_\(ProcessInfo.processInfo.processIdentifier)"
        try await withMaintenance { connection in
            _ = try await connection.query("CREATE DATABASE \(identifier: name) TEMPLATE template0")
        }
        try await withConnection(connectionString(database: name)) { connection in
            _ = try await Migrator.embedded.migrate(on: connection)
            for role in TestRole.allCases {
                guard let login = role.login else { continue }
                // Roles are the cluster's: another test process may make them in the same instant.
                try await connection.execute(
                    script: """
                        DO $$ BEGIN
                            CREATE ROLE \(login) LOGIN IN ROLE \(role.groupRoles.joined(separator: ", "));
                        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                        END $$
                        """)
            }
        }
        try await withMaintenance { connection in
            // Nobody, and no autovacuum worker, may be connected to a database that is being copied.
            _ = try await connection.query("ALTER DATABASE \(identifier: name) WITH ALLOW_CONNECTIONS false")
        }
        return name
    }
}

/// Tests that need a database were started without one.
public struct TestClusterError: Error, CustomStringConvertible {
    /// What to do.
    public var description: String {
        "no test cluster: run `make test`, or `Scripts/with-cluster swift test` for a part of the tests"
    }
}
