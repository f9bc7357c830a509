/// The page over all experiments: one table, and the targets over all rows.
struct OverviewPage {
    private let experiments: [ExperimentResults]

    init(_ experiments: [ExperimentResults]) { self.experiments = experiments }

    var text: String {
        var text = "# Experiments\n\n"
        var table = MarkdownTable([("experiment", .left), ("preset", .left), ("command", .left)])
        for results in experiments {
            table.add([
                "[\(results.title.oneLine)](\(results.experiment).md)", results.preset, "`\(results.command.oneLine)`",
            ])
        }
        text += table.text
        let rows = experiments.flatMap(\.rows)
        if !rows.isEmpty {
            text += "\n## Accuracy after adaptation\n\n" + AccuracyTable.explanation + "\n" + AccuracyTable.text(rows)
        }
        return text + "\n## Targets\n\n" + TargetTable.text(TargetCheck.all(of: experiments))
    }
}
