public import Aggregation
import ECLMCore
public import PostgreSQL

/// Brings a database's schema to the state that its migrations describe: forward only, checksummed, one at a time.
///
///     try await Migrator.embedded.migrate(PostgresConfiguration(connectionString: "dbname=eclm"))
///
/// No folder is read but one that is named to ``init(directory:)``: a migration runs with all rights of the login that
/// applies it, so a folder that merely happens to be near must not do.
///
/// What was applied is kept in `eclm_meta.migrations`, outside the schema that the migrations make, so that it is there
/// before the first of them. A file that was applied is history: a changed or missing one is an error, never a repair.
public struct Migrator: Sendable {
    /// The migrations that this program was built with, compiled in.
    public static let embedded = Migrator(
        directory: nil,
        files: EmbeddedMigrations.files.enumerated().map { index, file in
            MigrationFile(number: index + 1, name: file.name, sql: file.text)
        })

    /// The directory the files were read from; `nil` for those compiled in.
    public let directory: String?
    /// The files in order, numbered from 1.
    public let files: [MigrationFile]
    /// The methods that policies may name in this database, written with every migration.
    public var vocabulary = PolicyVocabulary.standard

    /// How long ``migrate(on:)`` waits for another that is under way.
    public static let lockTimeout = Duration.seconds(60)
    /// The advisory lock's key: "eclm" and 1 for migrations.
    static let lockKey: Int64 = 0x65_63_6C_6D_0000_0001

    private init(directory: String?, files: [MigrationFile]) {
        self.directory = directory
        self.files = files
    }

    /// Reads the files of a directory.
    /// - Throws: ``RegistryError`` `.notFound` or `.invalidArgument` naming the file that is wrong.
    public init(directory: String) throws(RegistryError) {
        self.init(directory: directory, files: try MigrationFile.load(directory: directory))
    }

    /// Where each migration stands, in order. Changes nothing.
    /// - Throws: ``RegistryError`` `.failedPrecondition` where an applied file was changed or is missing.
    public func status(on connection: PostgresConnection) async throws(RegistryError) -> [MigrationStatus] {
        let applied = try await registryErrors { try await history(on: connection) }
        try check(applied)
        return files.map { file in
            MigrationStatus(file: file, applied: file.number <= applied.count ? applied[file.number - 1].applied : nil)
        }
    }

    /// Connects to a database, does what ``migrate(on:)`` does, and closes the connection.
    ///
    /// - Throws: ``RegistryError`` where there is no connection, and what ``migrate(on:)`` throws.
    @discardableResult
    public func migrate(_ database: PostgresConfiguration) async throws(RegistryError) -> [MigrationFile] {
        var configuration = database
        // A migration makes and drops what prepared statements would hold on to.
        configuration.statementCacheSize = 0
        let connection: PostgresConnection
        do {
            connection = try await PostgresConnection.connect(configuration)
        } catch {
            throw RegistryError(wrapping: error)
        }
        let result: Result<[MigrationFile], RegistryError>
        do throws(RegistryError) {
            result = .success(try await migrate(on: connection))
        } catch {
            result = .failure(error)
        }
        await connection.close()
        return try result.get()
    }

    /// Applies what is pending, each file in a transaction of its own together with its record, under an advisory lock.
    ///
    /// Needs the right to create schemas and, for the first file, roles, and a database whose encoding is UTF8. The lock is
    /// the session's: a connection through a pooler that lends its sessions is refused.
    /// - Returns: the files applied now, in order; none when the schema was current.
    /// - Throws: ``RegistryError`` `.failedPrecondition` where an applied file was changed or is missing, `.aborted`
    ///   where another migration is still under way after ``lockTimeout``, and whatever a failing file caused, with the
    ///   file's name; that file then left nothing behind and the ones before it stay applied.
    @discardableResult
    public func migrate(on connection: PostgresConnection) async throws(RegistryError) -> [MigrationFile] {
        guard !connection.isLent else {
            throw RegistryError(
                .failedPrecondition,
                "migrations need a session of their own, and a pooler lends this one: name the server itself in --database, "
                    + "or say --pooler-mode session where the pooler is in session mode")
        }
        if let unfitness = try await registryErrors({ try await Self.unfitness(of: connection) }) {
            throw RegistryError(.failedPrecondition, unfitness)
        }
        try await lock(connection)
        let result: Result<[MigrationFile], RegistryError>
        do throws(RegistryError) {
            result = .success(try await migrateLocked(on: connection))
        } catch {
            result = .failure(error)
        }
        // Where this fails the connection is gone, and the lock with it.
        _ = try? await connection.query("SELECT pg_advisory_unlock(\(Self.lockKey))")
        return try result.get()
    }

    /// Makes sure that the schema is the one this program was built for.
    /// - Throws: ``RegistryError`` `.failedPrecondition` saying what to run.
    public func requireCurrentSchema(on connection: PostgresConnection) async throws(RegistryError) {
        let pending = try await status(on: connection).filter { $0.applied == nil }
        guard let first = pending.first else { return }
        throw RegistryError(
            .failedPrecondition,
            pending.count == files.count
                ? "the database has no registry yet; run `registryctl migrate`"
                : "the database lacks \(pending.count) migration(s) from \(first.file) on; run `registryctl migrate`")
    }

    /// Asks again and again, since who waits in the server holds a snapshot there, which others would wait for.
    private func lock(_ connection: PostgresConnection) async throws(RegistryError) {
        let end = ContinuousClock.now + Self.lockTimeout
        while true {
            let isMine = try await registryErrors { () async throws in
                try await connection.query("SELECT pg_try_advisory_lock(\(Self.lockKey)) AS mine").one()
                    .decode("mine", as: Bool.self)
            }
            if isMine { return }
            guard ContinuousClock.now < end else {
                throw RegistryError(
                    .aborted, "another migration of this database is under way; wait for it and try again")
            }
            try await registryErrors { () async throws in try await Task.sleep(for: .milliseconds(100)) }
        }
    }

    private func migrateLocked(on connection: PostgresConnection) async throws(RegistryError) -> [MigrationFile] {
        let applied = try await registryErrors {
            try await prepare(connection)
            return try await history(on: connection)
        }
        try check(applied)
        let pending = Array(files.dropFirst(applied.count))
        for file in pending {
            do {
                try await apply(file, on: connection)
            } catch {
                var failure = RegistryError(wrapping: error)
                if let cause = failure.cause as? PostgresError, failure.code == .permissionDenied {
                    failure.message = "\(cause.message); \(Self.rightsToMigrate)"
                }
                failure.message = "migration \(file) failed and left nothing behind: \(failure.message)"
                throw failure
            }
        }
        try await registryErrors { () async throws in
            try await settleFunctions(on: connection)
            try await vocabulary.write(on: connection)
        }
        return pending
    }

    private func prepare(_ connection: PostgresConnection) async throws {
        if try await hasHistory(on: connection) { return }
        try await connection.transaction { connection in
            try await connection.execute(
                script: """
                    CREATE SCHEMA eclm_meta;
                    COMMENT ON SCHEMA eclm_meta IS 'Which migrations made the schema eclm.';
                    CREATE TABLE eclm_meta.migrations (
                        number     integer PRIMARY KEY CHECK (number >= 1),
                        name       text NOT NULL,
                        checksum   bytea NOT NULL CHECK (octet_length(checksum) = 32),
                        applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                        applied_by text NOT NULL DEFAULT session_user
                    );
                    GRANT USAGE ON SCHEMA eclm_meta TO PUBLIC;
                    GRANT SELECT ON eclm_meta.migrations TO PUBLIC;
                    """)
        }
    }

    /// Runs the file through PL/pgSQL's EXECUTE, which refuses COMMIT and the like: no file can end its transaction.
    private func apply(_ file: MigrationFile, on connection: PostgresConnection) async throws {
        try await connection.transaction { connection in
            _ = try await connection.query("SELECT set_config('statement_timeout', '0', true)")
            _ = try await connection.query("SELECT set_config('eclm.migration', \(file.sql), true)")
            try await connection.execute(script: "DO $$ BEGIN EXECUTE current_setting('eclm.migration'); END $$")
            _ = try await connection.query("SELECT set_config('eclm.migration', '', true)")
            _ = try await connection.query(
                """
                INSERT INTO eclm_meta.migrations (number, name, checksum)
                VALUES (\(Int32(file.number)), \(file.name), \(file.checksum.bytes))
                """)
        }
    }

    private func hasHistory(on connection: PostgresConnection) async throws -> Bool {
        try await connection.query("SELECT to_regclass('eclm_meta.migrations') IS NOT NULL AS there").one()
            .decode("there")
    }

    private func history(on connection: PostgresConnection) async throws -> [AppliedMigration] {
        guard try await hasHistory(on: connection) else { return [] }
        return try await connection.query(
            "SELECT number, name, checksum, applied_at, applied_by FROM eclm_meta.migrations ORDER BY number"
        ).map(AppliedMigration.init(row:))
    }

    private func check(_ applied: [AppliedMigration]) throws(RegistryError) {
        for (index, record) in applied.enumerated() {
            if let problem = problem(with: record, at: index) { throw RegistryError(.failedPrecondition, problem) }
        }
    }

    /// What keeps an applied migration from being the one of `files`, and what to do; `nil` where it is.
    private func problem(with record: AppliedMigration, at index: Int) -> String? {
        guard record.number == index + 1 else {
            return "eclm_meta.migrations lacks number \(index + 1); somebody changed it by hand"
        }
        guard index < files.count else {
            let place = directory.map { "\($0) lacks; restore the file, or use" } ?? "this program does not know; use"
            return "the database has migration \(record.label), which \(place) the newer release that brought it"
        }
        let file = files[index]
        if file.name != record.name {
            guard let directory else {
                return "the database has migration \(record.label), but this program has \(file) in its place; use the "
                    + "release that applied it"
            }
            return "the database has migration \(record.label), which is missing from \(directory): \(file) stands in "
                + "its place; restore the file"
        }
        if file.checksum != record.checksum {
            return directory == nil
                ? "migration \(record.label) was applied with another text than this program has; use the release that "
                    + "applied it"
                : "migration \(record.label) was changed after it had been applied; restore the file and put the change "
                    + "into a new one"
        }
        return nil
    }
}
