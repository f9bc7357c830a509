import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks that the database and the registry in it are fit, and says what to do where not.",
        discussion: """
            Looks at libpq, the server, the schema, the roles, the catalogue, a sample of the blobs, the audit's head, \
            disk space and the clock. Changes nothing. Ends with 1 when a check failed; warnings do not count.

            Example:
              registryctl doctor --sample 100
            """)

    @Option(name: .long, help: ArgumentHelp("How many blobs to read and verify, 0 to 10000.", valueName: "number"))
    var sample = 16
    @OptionGroup var migrations: MigrationOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (0...10_000).contains(sample) else { throw ValidationError("--sample is \(sample); give 0 to 10000") }
    }

    func run() async throws {
        try await runCommand(options) { output in
            let migrator = try migrations.migrator()
            let findings = try await database.withSession { session in
                await Diagnosis(session: session, sample: sample, migrator: migrator).run()
            }
            let document = Document(findings: findings)
            try output.result(document) { width in
                var table = Table(["check", "state", "finding"])
                for finding in findings { table.add([finding.check, finding.state.rawValue, finding.detail]) }
                let advice = findings.compactMap { finding in
                    finding.advice.map { "\(finding.check): \($0)\n" }
                }
                return table.rendered(width: width) + (advice.isEmpty ? "" : "\n" + advice.joined())
            }
            if document.failed > 0 { throw ExitCode(ExitStatus.failure.code) }
        }
    }

    struct Document: Encodable {
        var findings: [Finding]
        var failed: Int
        var warned: Int

        init(findings: [Finding]) {
            self.findings = findings
            failed = findings.count { $0.state == .fail }
            warned = findings.count { $0.state == .warn }
        }
    }
}
