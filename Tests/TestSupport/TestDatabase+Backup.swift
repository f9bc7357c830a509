import Foundation
import PostgreSQL

extension TestDatabase {
    /// Writes a backup, with the command that docs/operations.md has.
    public func dump(to path: String) async throws {
        try await Self.run("pg_dump", "--format=custom", "--compress=0", "--file", path, connectionString)
    }

    /// Drops the database, whoever is connected, and makes it anew of a backup.
    public func restore(from path: String) async throws {
        try await TestCluster.withMaintenance { connection in
            _ = try await connection.query("DROP DATABASE \(identifier: name) WITH (FORCE)")
            _ = try await connection.query("CREATE DATABASE \(identifier: name) TEMPLATE template0")
        }
        try await Self.run("pg_restore", "--exit-on-error", "--dbname", connectionString, path)
        // The pool finds its broken connections one by one.
        for _ in 0..<pool.configuration.maximumConnections { _ = try? await pool.query("SELECT 1") }
    }

    private static func run(_ arguments: String...) async throws {
        let errors = Pipe()
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = arguments
            process.standardError = errors
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status == 0 else {
            let text = String(decoding: (try? errors.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
            throw BackupError(description: "\(arguments[0]) ended with \(status): \(text)")
        }
    }
}

private struct BackupError: Error, CustomStringConvertible {
    var description: String
}
