import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct Restored: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "restored",
        abstract: "Says that the database was restored from a backup, so that no number is given out twice.",
        discussion: """
            Releases, versions and updates are numbered on far behind the newest ones, since devices may hold numbers that \
            the restored database has forgotten. The registry sees by itself that it is on another server, in another \
            database, or that its server was recovered or promoted; say it where it cannot see it, such as after its disk \
            was set back to a snapshot. A second time does no harm.

            Example:
              registryctl restored --reason "snapshot of 2 November"
            """)

    @OptionGroup var why: ReasonOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    struct Document: Encodable {
        struct Model: Encodable {
            var model: String
            var lastRelease: Int
            var firstNumber: Int
        }
        var incarnation: Int
        var models: [Model]
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let record = try await session.registry.beginIncarnation(as: database.provenance(reason: why.reason))
        let document = Document(
            incarnation: record.incarnation,
            models: record.jumps.map {
                .init(model: $0.model, lastRelease: $0.lastRelease, firstNumber: $0.firstNumber)
            })
        var table = Table(["model", .number("newest release"), .number("numbers go on from")])
        for model in document.models { table.add([model.model, "\(model.lastRelease)", "\(model.firstNumber)"]) }
        try output.result(document, table: table, ifEmpty: "There is no model; updates are numbered on.")
    }
}
