import ECLMCore
public import Foundation
import PostgreSQL

/// Where one migration stands in one database.
public struct MigrationStatus: Sendable, Hashable {
    public var file: MigrationFile
    /// When and by whom it was applied; `nil` while it is pending.
    public var applied: Applied?

    /// When and by whom a migration was applied.
    public struct Applied: Sendable, Hashable {
        /// When its transaction ran.
        public var at: Date
        /// The login that applied it.
        public var by: String
    }
}

/// A row of `eclm_meta.migrations`.
struct AppliedMigration: Sendable {
    var number: Int
    var name: String
    var checksum: Digest
    var applied: MigrationStatus.Applied

    var label: String { MigrationFile.label(number: number, name: name) }

    init(row: PostgresRow) throws {
        number = try row.decode("number", as: Int.self)
        name = try row.decode("name", as: String.self)
        checksum = try row.digest("checksum")
        applied = .init(at: try row.decode("applied_at"), by: try row.decode("applied_by"))
    }
}
