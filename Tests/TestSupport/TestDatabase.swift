import Foundation
public import PostgreSQL
import Registry

/// A fresh database with the current schema that belongs to one test.
public struct TestDatabase: Sendable {
    /// The database's name in the cluster.
    public let name: String
    /// What the superuser connects with; also good for the environment or the command line of a program under test.
    public let connectionString: String
    /// A pool of the superuser's connections, closed with the database.
    public let pool: PostgresPool

    init(name: String) {
        self.name = name
        connectionString = TestCluster.connectionString(database: name)
        // Tests make things of their own in public.
        var configuration = PostgresConfiguration(connectionString: connectionString)
        configuration.searchPath = ["public"]
        pool = PostgresPool(configuration: configuration)
    }

    /// What `role` connects with.
    public func connectionString(as role: TestRole) -> String {
        TestCluster.connectionString(database: name, user: role.login)
    }

    /// Runs `body` with a connection of its own, closed afterwards.
    public func withConnection<R: Sendable>(
        as role: TestRole = .superuser, _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        try await TestCluster.withConnection(connectionString(as: role), body)
    }

    /// Runs `body` with a pool of `role`'s connections, closed afterwards.
    public func withPool<R: Sendable>(as role: TestRole, _ body: (PostgresPool) async throws -> R) async throws -> R {
        let pool = PostgresPool(configuration: PostgresConfiguration(connectionString: connectionString(as: role)))
        do {
            let result = try await body(pool)
            await pool.shutdown()
            return result
        } catch {
            await pool.shutdown()
            throw error
        }
    }
}

/// Runs a test's body with a fresh, migrated database, which is dropped afterwards.
///
///     try await withDatabase { database in
///         try await database.pool.query("SELECT 1")
///     }
///
/// At most ``TestCluster/maximumDatabases`` exist at a time, so a body must not ask for a second one: use
/// ``TestDatabase/withPool(as:_:)`` for more connections to the same.
/// - Parameter migrated: whether the schema is there; without, the database is empty.
/// - Throws: what `body` throws, or ``TestClusterError`` where there is no cluster.
public func withDatabase<R: Sendable>(
    migrated: Bool = true, _ body: (TestDatabase) async throws -> R
) async throws -> R {
    try await TestCluster.shared.enter()
    do {
        let database = try await TestCluster.shared.create(migrated: migrated)
        do {
            let result = try await body(database)
            await TestCluster.shared.drop(database)
            await TestCluster.shared.leave()
            return result
        } catch {
            await TestCluster.shared.drop(database)
            throw error
        }
    } catch {
        await TestCluster.shared.leave()
        throw error
    }
}
