import Foundation
import PostgreSQL
import TestSupport
import Testing

/// A checkout of somebody else, or a folder that all may write: what lies there must not run with the rights of who works
/// there.
@Suite("Run in a folder of somebody else")
struct HostileFolderTests {
    /// A folder with a migration, at the places of a checkout and of an installation, that leaves a table behind where it
    /// is applied.
    private func withHostileFolder(_ body: (URL) async throws -> Void) async throws {
        try await withFolder { folder in
            for place in ["bin", "migrations", "share/eclm/migrations"] {
                try FileManager.default.createDirectory(
                    at: folder.appendingPathComponent(place), withIntermediateDirectories: true)
            }
            for place in ["migrations", "share/eclm/migrations"] {
                try Data("CREATE TABLE public.hostile (x int);".utf8)
                    .write(to: folder.appendingPathComponent("\(place)/0001_x.sql"))
            }
            try await body(folder)
        }
    }

    private func hasHostileTable(_ database: TestDatabase) async throws -> Bool {
        try await database.pool.query("SELECT to_regclass('public.hostile') IS NOT NULL AS there").one()
            .decode("there")
    }

    @Test("registryctl applies its own migrations, not those that lie there", arguments: ["", "/bin", "/migrations"])
    func migrate(place: String) async throws {
        try await withHostileFolder { folder in
            try await withDatabase(migrated: false) { database in
                func registryctl(_ arguments: String...) async throws -> Program.Result {
                    try await Program(
                        "registryctl", arguments,
                        environment: [
                            "ECLM_DATABASE": database.connectionString, "ECLM_MIGRATIONS": folder.path + "/migrations",
                        ], directory: folder.path + place
                    ).finish()
                }
                let status = try await registryctl("migrate", "--status")
                #expect(status.status == 0 && status.output.contains("0001_schema_and_roles"), "\(status.errors)")
                let migrated = try await registryctl("migrate", "--output", "json")
                #expect(migrated.status == 0, "\(migrated.errors)")
                #expect(!migrated.output.contains("directory"))
                #expect(try await hasHostileTable(database) == false)
                #expect(try await database.pool.query("SELECT FROM eclm_meta.migrations WHERE name = 'x'").isEmpty)
                let doctor = try await registryctl("doctor")
                #expect(doctor.status == 0, "\(doctor.output)")
            }
        }
    }

    @Test("A folder that is named is used, and a program that was not told of it refuses what it made")
    func named() async throws {
        try await withHostileFolder { folder in
            try await withDatabase(migrated: false) { database in
                let migrations = folder.path + "/migrations"
                struct Document: Decodable { var directory: String?, applied: Int }
                let result = try await database.registryctl(
                    ["migrate", "--migrations", migrations, "--output", "json"], actor: nil)
                #expect(result.status == 0, "\(result.errors)")
                let document: Document = try result.json()
                #expect(document.directory == migrations && document.applied == 1)
                #expect(try await hasHostileTable(database))
                let trainer = try await Program("trainerd", ["--once", "--database", database.connectionString])
                    .finish()
                #expect(trainer.status != 0)
                #expect(trainer.errors.contains("0001_x, but this program has 0001_schema_and_roles"))
            }
        }
    }

    @Test("PostgreSQL's programs are not taken from the relative folders of PATH")
    func path() async throws {
        try await withHostileFolder { folder in
            let tool = folder.appendingPathComponent("bin/pg_config")
            try Data("#!/bin/sh\ntouch \(folder.path)/ran\nexit 1\n".utf8).write(to: tool)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool.path)
            // Refused after the programs were found, and before any of them runs.
            try FileManager.default.createDirectory(
                atPath: folder.path + "/data/postgresql", withIntermediateDirectories: true)
            let result = try await Program(
                "registryctl", ["dev", "--data", "data"], environment: ["PATH": "bin:.:/usr/bin:/bin"],
                directory: folder.path
            ).finish()
            #expect(result.status == 1)
            #expect(result.errors.contains("is not a data directory"), "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/ran"))
        }
    }
}
