import Foundation

/// Writes reports: measurements as JSON, a page in Markdown, and its pictures as SVG.
///
/// All files of a report begin with its name. What people find in the results is written by hand into
/// `NAME-findings.md` and copied into the page, so that a new run does not lose it.
public enum ReportWriter {
    /// Writes NAME.json, NAME.md and NAME-*.svg into a folder, which is made where it is missing. Pictures that an
    /// earlier report of the name had and this one lacks are removed.
    ///
    /// Numbers are rounded first (``ExperimentResults/rounded()``), so that the page says what the JSON does.
    ///
    /// - Returns: the names of the files, sorted.
    /// - Throws: an ``ExperimentError`` where the results contradict themselves or a file cannot be written.
    @discardableResult
    public static func write(_ results: ExperimentResults, to directory: String) throws -> [String] {
        try results.check()
        let results = results.rounded()
        let folder = try ReportFolder(directory)
        let name = results.experiment
        let earlier = try? ResultsFile.readExperiment(folder.path("\(name).json"))
        let findings = try folder.read("\(name)-findings.md")
        return try folder.write(
            ExperimentPage(results).rendered(findings: findings), name: name, json: ResultsFile.encode(results),
            replacing: earlier.map { ExperimentPage($0).rendered() })
    }

    /// Writes the report of an offline stage, as ``write(_:to:)-(ExperimentResults,_)`` does.
    @discardableResult
    public static func write(_ results: PrototypeResults, to directory: String) throws -> [String] {
        try results.check()
        let results = results.rounded()
        let folder = try ReportFolder(directory)
        let earlier = try? ResultsFile.readPrototype(folder.path("\(results.name).json"))
        return try folder.write(
            PrototypePage(results).rendered, name: results.name, json: ResultsFile.encode(results),
            replacing: earlier.map { PrototypePage($0).rendered })
    }

    /// Writes README.md, the page over some experiments: their accuracies in one table, and the targets over all rows.
    ///
    /// - Throws: an ``ExperimentError`` where results contradict themselves or the file cannot be written.
    public static func writeOverview(of experiments: [ExperimentResults], to directory: String) throws {
        for results in experiments { try results.check() }
        let text = OverviewPage(experiments.map { $0.rounded() }).text
        try ReportFolder(directory).write(Data(text.utf8), to: "README.md")
    }
}

/// The folder that a report is written to.
private struct ReportFolder {
    let directory: String

    init(_ directory: String) throws {
        self.directory = directory
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw ExperimentError(.output, "cannot make the folder \(directory) for the report", cause: error)
        }
    }

    func path(_ name: String) -> String { directory + "/" + name }

    /// A file's text; `nil` where there is none.
    func read(_ name: String) throws -> String? {
        guard FileManager.default.fileExists(atPath: path(name)) else { return nil }
        do {
            return try String(contentsOfFile: path(name), encoding: .utf8)
        } catch {
            throw ExperimentError(.unreadable, "\(path(name)) is no text in UTF-8", cause: error)
        }
    }

    func write(_ data: Data, to name: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path(name)), options: .atomic)
        } catch {
            throw ExperimentError(.output, "cannot write \(path(name)); is the disk full?", cause: error)
        }
    }

    /// The pictures first and the page last: a page never shows what is not there yet.
    func write(_ report: RenderedReport, name: String, json: Data, replacing earlier: RenderedReport?) throws
        -> [String]
    {
        for figure in report.figures { try write(Data(figure.svg.utf8), to: figure.file) }
        try write(json, to: "\(name).json")
        try write(Data(report.page.utf8), to: "\(name).md")
        let written = Set(report.figures.map(\.file))
        for figure in earlier?.figures ?? [] where !written.contains(figure.file) {
            try? FileManager.default.removeItem(atPath: path(figure.file))
        }
        return (written + ["\(name).json", "\(name).md"]).sorted()
    }
}
