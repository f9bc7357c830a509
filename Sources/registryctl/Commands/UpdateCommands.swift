import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

extension UpdateStatus: ExpressibleByArgument {}

struct UpdateCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Lists and shows the updates that devices submitted, and gives quarantined ones back to the queue.",
        discussion: """
            Example:
              registryctl update list --status quarantined
            """,
        subcommands: [UpdateList.self, UpdateShow.self, UpdateRequeue.self])
}

struct UpdateList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists updates, newest first.",
        discussion: """
            Example:
              registryctl update list --model minilm --status pending
            """)

    @Option(name: .long, help: ArgumentHelp("Only updates of this model.", valueName: "name"))
    var model: String?
    @Option(name: .long, help: ArgumentHelp("Only updates of this device.", valueName: "name"))
    var device: String?
    @Option(name: .long, help: "Only updates with this status.")
    var status: UpdateStatus?
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    private static let columns: [Table.Column] = [
        .number("update"), "model", "device", .number("base release"), .number("modules"), .number("samples"), "status",
        "submitted", "fate",
    ]

    static func table(_ updates: [UpdateDocument]) -> Table {
        var table = Table(columns)
        for update in updates { table.add(row(update)) }
        return table
    }

    private static func row(_ update: UpdateDocument) -> [String] {
        [
            "\(update.update)", update.model, update.device, "\(update.baseRelease)", "\(update.modules)",
            "\(update.sampleCount)", update.status.rawValue, update.submittedAt.brief, update.fate,
        ]
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(UpdateDocument.init) {
            try await session.registry.updates(of: model, device: device, status: status, page: $0)
        }
        try output.listing(listing, columns: Self.columns, ifEmpty: "There is no such update.", row: Self.row)
    }
}

struct UpdateShow: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one update and what became of it.",
        discussion: """
            Example:
              registryctl update show 17
            """)

    @Argument(help: "The update's number.")
    var update: Int64
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let document = UpdateDocument(try await session.registry.update(UpdateID(update)))
        try output.result(document) { _ in
            var fields = FieldList()
            fields.add("update", document.update)
            fields.add("model", document.model)
            fields.add("device", document.device)
            fields.add("base release", document.baseRelease)
            fields.add("modules", document.modules)
            fields.add("samples", document.sampleCount)
            fields.add("idempotency key", document.idempotencyKey)
            fields.add("status", document.status.rawValue)
            fields.add("quarantine reason", document.quarantineReason)
            fields.add("round", document.round)
            fields.add("release", document.release)
            fields.add("submitted", document.submittedAt.brief)
            fields.add("decided", document.decidedAt?.brief)
            return fields.rendered()
        }
    }
}

struct UpdateRequeue: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "requeue",
        abstract: "Gives quarantined updates back to the trainer's queue: all that are named, or none.",
        discussion: """
            For updates that were refused for a reason that is gone; a round looks at them anew.

            Example:
              registryctl update requeue 17 19 --reason "the base was reinstated"
            """)

    @Argument(help: ArgumentHelp("The updates' numbers.", valueName: "update"))
    var updates: [Int64]
    @OptionGroup var why: ReasonOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (1...10_000).contains(updates.count) else { throw ValidationError("name 1 to 10000 updates") }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let records = try await session.registry.requeue(
            updates.map { UpdateID($0) }, as: database.provenance(reason: why.reason))
        let documents = records.map(UpdateDocument.init)
        try output.result(["updates": documents]) { _ in
            let numbers = documents.map { "\($0.update)" }.joined(separator: ", ")
            return "Pending again: \(numbers)."
        }
    }
}
