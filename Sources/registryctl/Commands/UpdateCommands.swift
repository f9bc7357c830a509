public import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

extension UpdateStatus: ExpressibleByArgument {}

struct UpdateCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Lists and shows the updates that devices submitted, and puts them in or out of the queue.",
        discussion: """
            Example:
              registryctl update list --status quarantined
            """,
        subcommands: [UpdateList.self, UpdateShow.self, UpdateRequeue.self, UpdateQuarantine.self])
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
        try output.listing(listing, columns: Self.columns, ifEmpty: "No update matches.", row: Self.row)
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
            For updates that were refused for a reason that is gone; a round looks at them anew. Name them by number, or \
            those of a model by the reason of their quarantine, or by the round that was made when they were quarantined: \
            then the oldest 10000 go back.

            Examples:
              registryctl update requeue 17 19 --reason "the base was reinstated"
              registryctl update requeue --model minilm --quarantined-for "rolled back" --reason "reinstated"
              registryctl update requeue --model minilm --round 120 --reason "norm_z was too strict"
            """)

    @Argument(help: ArgumentHelp("The updates' numbers.", valueName: "update"))
    var updates: [Int64] = []
    @Option(name: .long, help: ArgumentHelp("Updates of this model, instead of numbers.", valueName: "name"))
    var model: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Of the model, those whose quarantine's reason contains this text.", valueName: "text"))
    var quarantinedFor: String?
    @Option(name: .long, help: ArgumentHelp("Of the model, those that this round quarantined.", valueName: "number"))
    var round: Int?
    @OptionGroup var why: ReasonOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard model == nil else {
            guard updates.isEmpty else { throw ValidationError("name updates by number or --model, not both") }
            guard quarantinedFor != nil || round != nil else {
                throw ValidationError("with --model, say which: --quarantined-for TEXT or --round NUMBER")
            }
            guard quarantinedFor?.isEmpty != true else { throw ValidationError("--quarantined-for is empty") }
            return
        }
        guard quarantinedFor == nil, round == nil else {
            throw ValidationError("--quarantined-for and --round need --model")
        }
        guard (1...Registry.maximumRequeued).contains(updates.count) else {
            throw ValidationError("name 1 to \(Registry.maximumRequeued) updates")
        }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let provenance = database.provenance(reason: why.reason)
        let records =
            if let model {
                try await session.registry.requeue(
                    QuarantineSelection(model: model, reason: quarantinedFor, round: round), as: provenance)
            } else {
                try await session.registry.requeue(updates.map { UpdateID($0) }, as: provenance)
            }
        let documents = records.map(UpdateDocument.init)
        try output.result(["updates": documents]) { _ in
            documents.isEmpty ? "No quarantined update matches." : "Pending again: \(documents.numbers)."
        }
        if documents.count == Registry.maximumRequeued, model != nil {
            output.remark("There may be more: run the command again.")
        }
    }
}

struct UpdateQuarantine: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Takes pending updates out of the trainer's queue: all that are named, or none.",
        discussion: """
            For updates that keep every round from being made, such as those whose bytes are lost for good. \
            `update requeue` gives them back.

            Example:
              registryctl update quarantine 17 --reason "its blob was lost with the old disk"
            """)

    @Argument(help: ArgumentHelp("The updates' numbers.", valueName: "update"))
    var updates: [Int64]
    @OptionGroup var why: ReasonOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (1...Registry.maximumRequeued).contains(updates.count) else {
            throw ValidationError("name 1 to \(Registry.maximumRequeued) updates")
        }
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let records = try await session.registry.quarantine(
            updates.map { UpdateID($0) }, as: database.provenance(reason: why.reason))
        let documents = records.map(UpdateDocument.init)
        try output.result(["updates": documents]) { _ in "Quarantined: \(documents.numbers)." }
    }
}

extension [UpdateDocument] {
    /// The updates' numbers, for a sentence.
    fileprivate var numbers: String { map { "\($0.update)" }.joined(separator: ", ") }
}
