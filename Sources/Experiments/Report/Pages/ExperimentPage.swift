/// The page of one experiment, in Markdown.
struct ExperimentPage {
    private let results: ExperimentResults
    private let figures: ExperimentFigures

    init(_ results: ExperimentResults) {
        self.results = results
        figures = ExperimentFigures(experiment: results.experiment)
    }

    /// The page and its pictures; `findings` is what people wrote about the results.
    func rendered(findings: String? = nil) -> RenderedReport {
        var report = RenderedReport(page: opening, figures: [])
        if !results.rows.isEmpty {
            report.page += "\n## Accuracy after adaptation\n\n" + AccuracyTable.explanation + "\n"
            report.page += AccuracyTable.text(results.rows)
        }
        if let findings { report.page += "\n## Findings\n\n" + findings.trimmed + "\n" }
        report.page += "\n## Targets\n\n" + TargetTable.text(TargetCheck.all(of: [results]))
        for row in results.rows {
            report.page += "\n## \(Self.heading(row.name))\n\n" + RowSection(row).text
            report.add(figures.figures(of: row))
        }
        for row in results.caps.map(\.row).uniqued {
            let caps = results.caps.filter { $0.row == row }
            let model = results.rows.first { $0.name == row }?.fullModel
            report.page += "\n## Size caps: \(Self.heading(row))\n\n" + CapTable.text(caps, fullModel: model)
            report.add([figures.caps(caps, on: row)])
        }
        for result in results.ability {
            report.page += "\n## Ability enhancing: \(Self.heading(result.name)), seed \(result.seed)\n\n"
            report.page += RoutingTable.text(result)
            report.add([figures.routing(result)])
        }
        for result in results.continuous {
            report.page += "\n## Continuous run: \(Self.heading(result.row))\n\n" + ContinuousTable.text(result)
            report.add([figures.continuous(result)])
        }
        return report
    }

    private var opening: String {
        var text = "# \(Self.heading(results.title))\n\n"
        text += "Preset `\(results.preset)`. Made by\n\n    \(results.command.oneLine)\n\n"
        text += "from which this page, its pictures and [the measurements](\(results.experiment).json) come. "
        text += "Run again, it gives the same numbers but for times.\n"
        text += "\n## Set-up\n\n" + FactTable.text(results.setup, machine: results.machine)
        return text
    }

    static func heading(_ text: String) -> String { text.oneLine }
}

extension RenderedReport {
    /// Adds pictures to the page and to the files.
    mutating func add(_ figures: [Figure]) {
        self.figures += figures
        for figure in figures { page += "\n" + figure.markdown }
    }
}

extension String {
    /// The text without line feeds.
    var oneLine: String { String(map { $0.isNewline ? " " : $0 }) }

    /// The text without white space around it.
    var trimmed: String {
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}

extension [String] {
    /// Each once, in the order of the first.
    var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
