import ArgumentParser
import CommandSupport
import Registry
import RegistryPrograms

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Brings the database's schema to the one this program needs, or tells where it stands.",
        discussion: """
            Forward only: each file in a transaction of its own, one migration at a time. Connect as a role that may \
            create schemas and roles; it owns the schema.

            Examples:
              registryctl migrate --status
              registryctl migrate --database postgresql:///eclm
            """)

    @Flag(name: .long, help: "Tell where each migration stands and change nothing.")
    var status = false
    @OptionGroup var migrations: MigrationOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    struct Document: Encodable {
        struct Migration: Encodable {
            var migration: String
            var appliedAt: Timestamp?
            var appliedBy: String?
        }
        /// Where the migrations were read; absent for those built into the program.
        var directory: String?
        var migrations: [Migration]
        /// How many were applied now.
        var applied: Int
        /// How many are left.
        var pending: Int
    }

    func run() async throws {
        try await runCommand(options) { output in
            let migrator = try migrations.migrator()
            let document = try await database.withConnection { connection in
                let applied = status ? 0 : try await migrator.migrate(on: connection).count
                let all = try await migrator.status(on: connection)
                return Document(
                    directory: migrator.directory,
                    migrations: all.map {
                        .init(
                            migration: $0.file.description, appliedAt: $0.applied.map { Timestamp($0.at) },
                            appliedBy: $0.applied?.by)
                    },
                    applied: applied, pending: all.count { $0.applied == nil })
            }
            try report(document, output)
        }
    }

    private func report(_ document: Document, _ output: CommandOutput) throws {
        try output.result(document) { width in
            guard status else {
                return document.applied == 0
                    ? "The schema is current; nothing to apply.\n"
                    : "Applied \(document.applied) migrations; the schema is current.\n"
            }
            var table = Table(["migration", "applied", "by"])
            for item in document.migrations {
                table.add([item.migration, item.appliedAt?.brief ?? "pending", item.appliedBy ?? ""])
            }
            return table.rendered(width: width)
        }
        if status, document.pending > 0 {
            output.remark("\(document.pending) pending; `registryctl migrate` applies them.")
        }
    }
}
