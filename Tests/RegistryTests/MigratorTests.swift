import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Migrations")
struct MigratorTests {
    /// A directory of migrations that a test can change, removed with it.
    final class Folder {
        let path: String

        init(_ files: [String: String]) throws {
            path = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            for (name, sql) in files { try write(name, sql) }
        }

        func write(_ name: String, _ sql: String) throws {
            try sql.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
        }

        func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

        func migrator() throws -> Migrator { try Migrator(directory: path) }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    static let two = ["0001_first.sql": "CREATE TABLE one (x int);", "0002_second.sql": "CREATE TABLE two (x int);"]

    static func tables(_ connection: PostgresConnection) async throws -> [String] {
        try await connection.query(
            "SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        .map { try $0.decode("name", as: String.self) }
    }

    @Test("A fresh database gets every file in order, and a second run has nothing to do")
    func freshAndRepeated() async throws {
        let folder = try Folder(Self.two)
        try await withDatabase(migrated: false) { database in
            try await database.withConnection { connection in
                let migrator = try folder.migrator()
                #expect(try await migrator.status(on: connection).allSatisfy { $0.applied == nil })
                #expect(try await migrator.migrate(on: connection).map(\.description) == ["0001_first", "0002_second"])
                #expect(try await Self.tables(connection) == ["one", "two"])
                #expect(try await migrator.migrate(on: connection).isEmpty)
                let status = try await migrator.status(on: connection)
                #expect(status.compactMap(\.applied?.by).count == 2)
                #expect(status.map(\.file.checksum) == migrator.files.map(\.checksum))
            }
        }
    }

    @Test("The migrations that are compiled in are applied whole, and the schema is then current")
    func ownMigrations() async throws {
        try await withDatabase(migrated: false) { database in
            try await database.withConnection { connection in
                let migrator = Migrator.embedded
                let error = await #expect(throws: RegistryError.self) {
                    try await migrator.requireCurrentSchema(on: connection)
                }
                #expect(error?.code == .failedPrecondition)
                #expect(error?.message.contains("registryctl migrate") == true)
                #expect(try await migrator.migrate(on: connection) == migrator.files)
                try await migrator.requireCurrentSchema(on: connection)
            }
        }
    }

    @Test("Every role of the registry may ask whether the schema is current", arguments: TestRole.allCases)
    func rolesAsk(role: TestRole) async throws {
        try await withDatabase { database in
            try await database.withConnection(as: role) { connection in
                try await Migrator.embedded.requireCurrentSchema(on: connection)
            }
        }
    }

    @Test("A file added later is the only one applied")
    func addedLater() async throws {
        let folder = try Folder(Self.two)
        try await withDatabase(migrated: false) { database in
            try await database.withConnection { connection in
                _ = try await folder.migrator().migrate(on: connection)
                try folder.write("0003_third.sql", "CREATE TABLE three (x int);")
                let migrator = try folder.migrator()
                let error = await #expect(throws: RegistryError.self) {
                    try await migrator.requireCurrentSchema(on: connection)
                }
                #expect(error?.message.contains("0003_third") == true)
                #expect(try await migrator.migrate(on: connection).map(\.number) == [3])
            }
        }
    }

    @Test("A file changed after it was applied is an error that names it")
    func changedFile() async throws {
        let folder = try Folder(Self.two)
        try await withDatabase(migrated: false) { database in
            try await database.withConnection { connection in
                _ = try await folder.migrator().migrate(on: connection)
                try folder.write("0001_first.sql", "CREATE TABLE one (x bigint);")
                let migrator = try folder.migrator()
                for check in [
                    { _ = try await migrator.migrate(on: connection) },
                    { _ = try await migrator.status(on: connection) },
                ] as [() async throws -> Void] {
                    let error = await #expect(throws: RegistryError.self) { try await check() }
                    #expect(error?.code == .failedPrecondition)
                    #expect(error?.message.contains("0001_first was changed") == true)
                }
            }
        }
    }

    @Test("An applied file that is missing or renamed is an error that names it")
    func missingFile() async throws {
        let folder = try Folder(Self.two)
        try await withDatabase(migrated: false) { database in
            try await database.withConnection { connection in
                _ = try await folder.migrator().migrate(on: connection)
                try folder.remove("0002_second.sql")
                let missing = await #expect(throws: RegistryError.self) {
                    try await folder.migrator().migrate(on: connection)
                }
                #expect(missing?.message.contains("0002_second") == true)
                try folder.write("0002_other.sql", Self.two["0002_second.sql"]!)
                let renamed = await #expect(throws: RegistryError.self) {
                    try await folder.migrator().migrate(on: connection)
                }
                #expect(renamed?.message.contains("0002_second") == true)
            }
        }
    }

    @Test(
        "A file that fails leaves nothing behind, and can be repaired and applied",
        arguments: ["SELECT 1 / 0;", "COMMIT; CREATE TABLE half (x int);", "CREATE TABL typo (x int);"])
    func failingFile(failure: String) async throws {
        let folder = try Folder(Self.two)
        try folder.write("0002_second.sql", "CREATE TABLE half_done (x int); \(failure)")
        try await withDatabase(migrated: false) { database in
            try await database.withConnection { connection in
                let error = await #expect(throws: RegistryError.self) {
                    try await folder.migrator().migrate(on: connection)
                }
                #expect(error?.message.contains("0002_second") == true)
                #expect(try await Self.tables(connection) == ["one"])
                try folder.write("0002_second.sql", Self.two["0002_second.sql"]!)
                #expect(try await folder.migrator().migrate(on: connection).map(\.number) == [2])
            }
        }
    }

    @Test("Of two that migrate at once, one does the work and the other finds it done")
    func twoAtOnce() async throws {
        let folder = try Folder(Self.two)
        try folder.write("0002_second.sql", "CREATE TABLE two (x int); SELECT pg_sleep(0.3);")
        let migrator = try folder.migrator()
        try await withDatabase(migrated: false) { database in
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await database.withConnection { try await migrator.migrate(on: $0).count }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(counts.sorted() == [0, 0, 0, 2])
        }
    }

    @Test(
        "A directory with a gap, a duplicate, a misnamed file or none at all is refused with the reason",
        arguments: [
            (["0001_a.sql", "0003_c.sql"], "number 2 is missing"),
            (["0002_b.sql"], "number 1 is missing"),
            (["0001_a.sql", "0001_b.sql"], "have one number"),
            (["0001_a.sql", "2_b.sql"], "misnamed"),
            (["0001_Upper.sql"], "misnamed"),
            (["0000_zero.sql"], "misnamed"),
            ([], "has no migration"),
        ])
    func wrongDirectory(names: [String], reason: String) throws {
        let folder = try Folder(Dictionary(uniqueKeysWithValues: names.map { ($0, "SELECT 1;") }))
        let error = #expect(throws: RegistryError.self) { try folder.migrator() }
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test("What is compiled in is what migrations/ holds, byte for byte")
    func embedded() throws {
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = checkout.appendingPathComponent("migrations")
        #expect(Migrator.embedded.directory == nil)
        let read = try Migrator(directory: folder.path).files
        #expect(Migrator.embedded.files == read)
        for file in Migrator.embedded.files {
            let bytes = try Data(contentsOf: folder.appendingPathComponent("\(file).sql"))
            #expect(Data(file.sql.utf8) == bytes)
            #expect(file.checksum == Digest.of([UInt8](bytes)))
        }
    }

    @Test("A database of a newer release, or of another one, is refused with the release to use")
    func foreignHistory() async throws {
        try await withDatabase { database in
            try await database.withConnection { connection in
                let newest = Migrator.embedded.files.count
                func problem() async -> String {
                    do throws(RegistryError) {
                        let applied = try await Migrator.embedded.migrate(on: connection)
                        return "none, and applied \(applied)"
                    } catch {
                        return error.message
                    }
                }
                try await connection.execute(
                    script: """
                        INSERT INTO eclm_meta.migrations (number, name, checksum)
                        VALUES (\(newest + 1), 'of_tomorrow', sha256('x'));
                        """)
                #expect(await problem().contains("_of_tomorrow, which this program does not know"))
                try await connection.execute(
                    script: """
                        DELETE FROM eclm_meta.migrations WHERE number > \(newest);
                        UPDATE eclm_meta.migrations SET checksum = sha256('x') WHERE number = \(newest);
                        """)
                #expect(await problem().contains("was applied with another text"))
                try await connection.execute(
                    script: "UPDATE eclm_meta.migrations SET name = 'other' WHERE number = \(newest);")
                #expect(await problem().contains("_other, but this program has"))
            }
        }
    }
}
