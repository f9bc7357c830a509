import Foundation
import Logging
import Testing

@testable import PostgreSQL

/// The throw-away cluster the tests run against.
enum Cluster {
    struct Missing: Error, CustomStringConvertible {
        let description = "no test cluster: run `make test`, or `Scripts/with-cluster swift test`"
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func configuration(_ change: (inout PostgresConfiguration) -> Void = { _ in }) throws
        -> PostgresConfiguration
    {
        guard ProcessInfo.processInfo.environment["ECLM_TEST_CLUSTER"] != nil else { throw Missing() }
        var configuration = PostgresConfiguration()
        configuration.searchPath = ["public"]
        change(&configuration)
        return configuration
    }

    static func withConnection(
        _ change: (inout PostgresConfiguration) -> Void = { _ in },
        _ body: (PostgresConnection) async throws -> Void
    ) async throws {
        let connection = try await PostgresConnection.connect(try configuration(change), logger: logger)
        do { try await body(connection) } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    static func withPool(
        _ change: (inout PostgresConfiguration) -> Void = { _ in }, _ body: (PostgresPool) async throws -> Void
    ) async throws {
        let pool = PostgresPool(configuration: try configuration(change), logger: logger)
        do { try await body(pool) } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }

    /// A name nothing else uses.
    static func uniqueName(_ prefix: String = "t") -> String {
        prefix + "_" + UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
    }

    /// Waits until a condition holds, ten seconds at most.
    static func eventually(_ condition: () async throws -> Bool) async throws {
        for _ in 0..<1000 {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("a condition did not come true within ten seconds")
    }
}

extension PostgresConnection {
    var processID: Int {
        get async throws { try await query("SELECT pg_backend_pid() AS pid").one().decode("pid") }
    }
}

/// The code of the error that `body` throws.
func errorCode(_ body: () async throws -> Void) async -> PostgresError.Code? { await postgresError(body)?.code }

func postgresError(_ body: () async throws -> Void) async -> PostgresError? {
    do {
        try await body()
        Issue.record("expected an error")
        return nil
    } catch let error as PostgresError {
        return error
    } catch {
        Issue.record("expected a PostgresError, not \(error)")
        return nil
    }
}
