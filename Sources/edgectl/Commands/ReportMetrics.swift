import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient

struct ReportMetrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Report what this device measured of the release that it runs.",
        discussion: """
            For canaries: where one compares the release with another, this device's first report counts. Submissions carry \
            their metrics themselves. Safe to repeat. The release is that of the sub-model that was pulled, wherever \
            `pull --out` put it; where several lie around, name one.

            Examples:
              edgectl report --model vision --metric accuracy=0.91
              edgectl report --model vision --sub-model /opt/vision --metric accuracy=0.91

            \(ExitStatus.help)
            """)

    @Option(name: .long, help: "The model's name.")
    var model: String

    @Option(name: .long, help: ArgumentHelp("What was measured; several may be given.", valueName: "name=value"))
    var metric: [NamedValue]

    @Option(name: .long, help: "The release that was measured. Default: that of the pulled sub-model.")
    var release: Int32?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The pulled sub-model that was measured. Default: wherever it was pulled to.", valueName: "directory"))
    var subModel: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var global: GlobalOptions

    private struct Report: Encodable {
        var model: String
        var release: Int32
        var canaries: Int
    }

    func validate() throws {
        guard release == nil || subModel == nil else {
            throw ValidationError("name the release or the sub-model that was measured, not both")
        }
    }

    func run() async throws {
        try await runCommand(global) { output in
            let metrics = try NamedValue.numbers(metric)
            let report = try await connection.withClient { client in
                let measured = try release ?? client.pulledRelease(of: model, in: subModel)
                return Report(
                    model: model, release: measured,
                    canaries: try await client.report(metrics, of: model, release: measured))
            }
            try output.result(report) { _ in
                report.canaries == 0
                    ? "No canary compares release \(report.release) of \(model) on this device; nothing was kept.\n"
                    : "Reported for release \(report.release) of \(model).\n"
            }
        }
    }
}
