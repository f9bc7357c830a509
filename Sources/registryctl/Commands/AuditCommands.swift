import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct AuditCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Lists the audit and proves that nobody changed it.",
        discussion: """
            Every change of state leaves a row that holds the hash of the row before.

            Example:
              registryctl audit verify
            """,
        subcommands: [AuditVerify.self, AuditLog.self])
}

struct AuditVerify: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recomputes the audit's hash chain outside the database, and compares the tables with it.",
        discussion: """
            Puts what waits for the chain into it first, which a standby cannot: there it is counted as unsealed.

            Note the head elsewhere from time to time and give it back with --head: only so does a chain show that \
            somebody rewrote as a whole. Ends with 7 where the chain does not hold, and where a row is not as the chain \
            tells: a channel that points elsewhere than its last move led, other costs or samples than were taken.

            Example:
              registryctl audit verify --output json
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The head noted earlier as SEQUENCE:SHA256; it must still be in the chain.", valueName: "head"))
    var head: String?
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    struct Document: Encodable {
        struct Break: Encodable {
            var sequence: Int64
            var problem: String
        }
        struct Difference: Encodable {
            var objectKind: String
            var object: String
            var problem: String
            var sequence: Int64?
        }
        var rows: Int64
        var head: String
        var breaks: [Break]
        var differences: [Difference]
        var unsealed: Int64
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let noted = try head.map(NotedHead.init)
        let verification = try await session.registry.verifyAudit()
        var document = Document(
            rows: verification.rows, head: "\(verification.rows):\(verification.head.hex)",
            breaks: verification.breaks.map { .init(sequence: $0.sequence, problem: $0.problem) },
            differences: verification.differences.map {
                .init(objectKind: $0.objectKind, object: $0.object, problem: $0.problem, sequence: $0.sequence)
            },
            unsealed: verification.unsealed)
        if let noted {
            let found = try await session.registry.auditRow(noted.sequence)
            if found?.hash != noted.hash {
                document.breaks.append(
                    .init(
                        sequence: noted.sequence,
                        problem: found == nil ? "the row of the noted head is gone" : "the row is not the noted head's")
                )
            }
        }
        guard document.breaks.isEmpty else {
            let first = document.breaks[0]
            throw CommandFailure(
                .verificationFailed,
                "the audit does not hold at row \(first.sequence): \(first.problem)"
                    + (document.breaks.count > 1 ? ", and at \(document.breaks.count - 1) more places" : ""),
                hint: "compare with a backup; `registryctl audit log` shows the rows around it", details: document)
        }
        if let first = document.differences.first {
            throw CommandFailure(
                .verificationFailed,
                "the chain holds, and \(first.objectKind) \(first.object) is not as it tells: \(first.problem)"
                    + (document.differences.count > 1 ? "; \(document.differences.count - 1) more rows differ" : ""),
                hint: "somebody changed the tables past the registry; --output json lists the rows, "
                    + "`registryctl audit log --kind \(first.objectKind) --object \(first.object)` what was done to this one",
                details: document)
        }
        try output.result(document) { _ in
            "The audit holds: \(document.rows) rows, head \(document.head)\n"
                + (document.unsealed > 0 ? "\(document.unsealed) changes wait to be sealed\n" : "")
        }
    }
}

struct AuditLog: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Lists the audit's rows, newest first: who did what to which object.",
        discussion: """
            Examples:
              registryctl audit log --kind channel
              registryctl audit log --actor-contains alice --all --output json
            """)

    @Option(
        name: .long, help: ArgumentHelp("Only rows about objects of this kind, such as release.", valueName: "kind"))
    var kind: String?
    @Option(
        name: .long, help: ArgumentHelp("Only rows about the object with this number or name.", valueName: "object"))
    var object: String?
    @Option(name: .long, help: ArgumentHelp("Only rows of actors with this in the name.", valueName: "text"))
    var actorContains = ""
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    struct Document: Encodable {
        var sequence: Int64
        var at: Timestamp
        var actor: String
        var action: String
        var objectKind: String
        var object: String
        var detail: DetailDocument
        var hash: String
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let filter = AuditFilter(objectKind: kind, object: object, actorContains: actorContains)
        let listing = try await page.listing({ (record: AuditRecord) in
            Document(
                sequence: record.sequence, at: Timestamp(record.at), actor: record.actor, action: record.action,
                objectKind: record.objectKind, object: record.object, detail: DetailDocument(json: record.detail),
                hash: record.hash.hex)
        }) { try await session.registry.audit(filter, page: $0) }
        try output.listing(
            listing, columns: [.number("row"), "at", "actor", "action", "object", "detail"],
            ifEmpty: "The audit has no such row."
        ) { row in
            [
                "\(row.sequence)", row.at.brief, row.actor, row.action, "\(row.objectKind) \(row.object)",
                row.detail.text,
            ]
        }
    }
}
