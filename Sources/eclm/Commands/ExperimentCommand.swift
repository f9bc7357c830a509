public import ArgumentParser
import CommandSupport
import ECLMCore
import Experiments
import Foundation

struct ExperimentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment",
        abstract: "Run an experiment of the paper's protocol: ours and every baseline on real data.",
        discussion: """
            Experiments: har (one user a device), images (2 and 5 classes a device), speech (3 and 5). The data comes \
            from `make data`.

            Each finished part is kept in the work directory: a command that was stopped goes on where it was. The \
            results go to NAME.json, a page with tables to NAME.md, plots to NAME-*.svg, and all hyperparameters tried \
            to NAME-search.json.

            Presets: smoke (a minute, the numbers mean little), quick (20 minutes on two cores), full (three seeds, \
            hours).

            Examples:
              eclm experiment images --preset quick --jobs 2
              eclm experiment har --preset full --seeds 5 --methods ours --methods "FA+FT"
              eclm experiment images --preset quick --rows m2 --print-settings

            \(ExitStatus.help)
            """)

    @Argument(help: "The experiment: \(ExperimentSettings.names.joined(separator: ", ")).")
    var name: String

    @Option(name: .long, help: "How much is run: \(ExperimentPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
    var preset: ExperimentPreset = .quick

    @Option(
        name: .long,
        help: ArgumentHelp("Settings as --print-settings prints them, in place of a preset's.", valueName: "file"))
    var settings: String?

    @Option(name: .long, help: ArgumentHelp("Seeds 1 to n; default: the preset's.", valueName: "n"))
    var seeds: Int?

    @Option(name: .long, help: ArgumentHelp("Only this row; several may be given.", valueName: "row"))
    var rows: [String] = []

    @Option(name: .long, help: ArgumentHelp("Only this method; several may be given.", valueName: "method"))
    var methods: [String] = []

    @Flag(name: .long, help: "Leave out the accuracies by size cap and the continuous run.")
    var tableOnly = false

    @Flag(name: .long, help: "Run ours over the wire: PostgreSQL, registryd and trainerd are started for it.")
    var wire = false

    @Option(name: .long, help: "Runs at a time, each on one thread.")
    var jobs: Int = 1

    @Option(name: .long, help: ArgumentHelp("Where the report goes.", valueName: "directory"))
    var outputDirectory: String = "docs/experiments"

    @Option(name: .long, help: ArgumentHelp("Where finished parts are kept.", valueName: "directory"))
    var workDirectory: String = "data/experiments"

    @Option(name: .long, help: ArgumentHelp("Where the data sets are.", valueName: "directory"))
    var data: String = "data"

    @Flag(name: .long, help: "Print the settings as JSON, and run nothing.")
    var printSettings = false

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs takes 1 to 256") }
        if let seeds, !(1...100).contains(seeds) { throw ValidationError("--seeds takes 1 to 100") }
    }

    func run() async throws {
        try await runCommand(global) { output in
            let settings = try chosenSettings()
            if printSettings {
                print(String(decoding: try Self.json(settings), as: UTF8.self))
                return
            }
            let wireClouds = try await wire ? WireClouds.start() : nil
            let bar = output.progress(settings.name, counting: .count("trainings"))
            let outcome: ExperimentRunner.Outcome
            do {
                let runner = try ExperimentRunner(
                    settings,
                    options: .init(
                        workDirectory: workDirectory, dataDirectory: data, jobs: jobs, command: command,
                        overTheWire: wire),
                    makeCloud: wireClouds?.factory ?? ExperimentRunner.inProcess)
                outcome = try await runner.run(
                    onProgress: { progress in
                        bar.relabel("\(progress.done) of \(progress.total) parts  \(progress.finished)")
                    },
                    onActivity: { bar.advance(1) })
            } catch {
                await wireClouds?.stop()
                throw error
            }
            await wireClouds?.stop()
            bar.finish()
            let files = try ReportWriter.write(outcome.results, to: outputDirectory)
            try writeSearch(outcome.search, name: settings.name)
            try ReportWriter.writeOverview(of: results(in: outputDirectory), to: outputDirectory)
            let report = Report(
                experiment: settings.name, preset: settings.preset, directory: outputDirectory,
                files: files + ["\(settings.name)-search.json", "README.md"],
                rows: outcome.results.rows.map { row in
                    .init(row: row.name, methods: row.methods.map(Report.Method.init))
                })
            try output.result(report) { _ in report.text }
        }
    }

    private func chosenSettings() throws -> ExperimentSettings {
        var chosen: ExperimentSettings
        if let settings {
            chosen = try InputFile.json(
                settings, what: "settings file", hint: "start from what --print-settings prints")
        } else {
            chosen = try .named(name, preset: preset)
        }
        if tableOnly {
            chosen.caps = nil
            chosen.continuous = nil
        }
        return try chosen.narrowed(
            rows: rows.isEmpty ? nil : rows,
            methods: methods.isEmpty ? nil : methods.map { MethodCode(rawValue: $0) }, seeds: seeds)
    }

    /// What a reader types to repeat it; where things lie is left out.
    private var command: String {
        var parts = ["eclm experiment", name]
        if let settings { parts.append("--settings \(settings)") } else { parts.append("--preset \(preset.rawValue)") }
        if let seeds { parts.append("--seeds \(seeds)") }
        parts += rows.map { "--rows \($0)" }
        parts += methods.map { $0.contains(" ") ? "--methods \"\($0)\"" : "--methods \($0)" }
        if tableOnly { parts.append("--table-only") }
        if wire { parts.append("--wire") }
        return parts.joined(separator: " ")
    }

    /// The results of all experiments whose reports lie in a folder, in the order of their names.
    private func results(in folder: String) throws -> [ExperimentResults] {
        try ExperimentSettings.names.map { "\(folder)/\($0).json" }
            .filter(FileManager.default.fileExists(atPath:)).map(ResultsFile.readExperiment)
    }

    private func writeSearch(_ records: [SearchRecord], name: String) throws {
        let path = "\(outputDirectory)/\(name)-search.json"
        do {
            try Self.json(records).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CommandFailure(.failure, "\(path) cannot be written: \(error.explanation)")
        }
    }

    /// Settings and records as they are read back: keys as their types name them.
    private static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    /// What the command prints at its end.
    private struct Report: Encodable {
        struct Row: Encodable {
            var row: String
            var methods: [Method]
        }
        struct Method: Encodable {
            var method: String
            /// Mean over devices and seeds.
            var accuracy: Double
            var bytes: Int

            init(_ result: MethodResult) {
                method = result.method.rawValue
                accuracy = result.runs.reduce(0) { $0 + $1.accuracy } / Double(max(1, result.runs.count))
                bytes = result.runs.reduce(0) { $0 + $1.bytesUp + $1.bytesDown } / max(1, result.runs.count)
            }
        }
        var experiment: String
        var preset: String
        var directory: String
        var files: [String]
        var rows: [Row]

        var text: String {
            var text = ""
            for row in rows {
                text += "\(row.row)\n"
                for method in row.methods {
                    let accuracy = (method.accuracy * 1000).rounded() / 10
                    text += "  \(method.method): \(accuracy) %, \(ByteSize(Int64(method.bytes)))\n"
                }
            }
            return text + "report: \(directory)/\(experiment).md\n"
        }
    }
}

extension ExperimentPreset: ExpressibleByArgument {}
