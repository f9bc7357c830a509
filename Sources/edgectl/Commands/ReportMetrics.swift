import ECLMCore
import ArgumentParser
import CommandSupport
import DevicePrograms
import EdgeClient

struct ReportMetrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Report what this device measured of the release that it runs.",
        discussion: """
            For canaries: where one compares the release with another, this device's first report counts. Submissions carry \
            their metrics themselves. Safe to repeat.

            Example:
              edgectl report --model vision --metric accuracy=0.91

            \(ExitStatus.help)
            """)

    @Option(name: .long, help: "The model's name.")
    var model: String

    @Option(name: .long, help: ArgumentHelp("What was measured; several may be given.", valueName: "name=value"))
    var metric: [NamedValue]

    @Option(name: .long, help: "The release that was measured. Default: that of the pulled sub-model.")
    var release: Int32?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var global: GlobalOptions

    private struct Report: Encodable {
        var model: String
        var release: Int32
        var canaries: Int
    }

    func run() async throws {
        try await runCommand(global) { output in
            let metrics = try NamedValue.numbers(metric)
            let report = try await connection.withClient { client in
                let measured =
                    try release ?? SubModelManifest(directory: client.state.subModelPath(model: model)).release
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
