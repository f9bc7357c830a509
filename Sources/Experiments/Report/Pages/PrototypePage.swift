import Plots

/// The page of one run of the offline stage, in Markdown.
struct PrototypePage {
    private let results: PrototypeResults
    private let figures: ExperimentFigures

    init(_ results: PrototypeResults) {
        self.results = results
        figures = ExperimentFigures(experiment: results.name)
    }

    /// The page and its pictures.
    var rendered: RenderedReport {
        var report = RenderedReport(page: opening, figures: [])
        let stages = results.stages.filter { !$0.epochs.isEmpty }
        if !stages.isEmpty {
            report.page += "\n## Training\n\n" + training(stages)
            report.add(curves(stages))
        }
        if let routing = results.routing {
            report.page += "\n## Routing before and after ability enhancing\n\n" + RoutingTable.text(routing)
            report.add([figures.routing(routing)])
        }
        for row in results.caps.map(\.row).uniqued {
            let caps = results.caps.filter { $0.row == row }
            report.page += "\n## Size caps: \(row.oneLine)\n\n" + CapTable.text(caps, fullModel: nil)
            report.add([figures.caps(caps, on: row)])
        }
        if !results.modules.isEmpty { report.page += "\n## Costs of the modules\n\n" + costs }
        return report
    }

    private var opening: String {
        var text = "# \(results.title.oneLine)\n\nSeed \(results.seed). Made by\n\n    \(results.command.oneLine)\n\n"
        text += "from which this page, its pictures and [the measurements](\(results.name).json) come.\n"
        return text + "\n## Set-up\n\n" + FactTable.text(results.setup, machine: results.machine)
    }

    private func training(_ stages: [TrainingStage]) -> String {
        var table = MarkdownTable([
            ("stage", .left), ("epochs", .right), ("loss, first epoch", .right), ("last", .right),
            ("regularisation, first", .right), ("last", .right), ("accuracy on the proxy's validation data", .right),
            ("best", .right),
        ])
        for stage in stages {
            let (first, last) = (stage.epochs[0], stage.epochs[stage.epochs.count - 1])
            let percent = { (value: Double?) in value.map { NumberText.fixed($0 * 100, 2) + " %" } ?? "–" }
            let number = { (value: Double?) in value.map { NumberText.fixed($0, 4) } ?? "–" }
            let accuracies = stage.epochs.compactMap(\.validationAccuracy)
            table.add([
                stage.name, String(stage.epochs.count), number(first.loss), number(last.loss),
                number(first.regularisation), number(last.regularisation), percent(accuracies.last),
                percent(accuracies.max()),
            ])
        }
        return table.text
    }

    /// Loss and accuracy over epochs, counted through all stages.
    private func curves(_ stages: [TrainingStage]) -> [Figure] {
        let styles: [LineChart.Style] = [
            LineChart.Style(.blue), LineChart.Style(.vermillion, marker: .square),
            LineChart.Style(.green, marker: .triangle), LineChart.Style(.purple, marker: .diamond),
        ]
        var start = 0
        var losses: [LineChart.Series] = []
        var accuracies: [LineChart.Series] = []
        for (index, stage) in stages.enumerated() {
            let style = styles[index % styles.count]
            let points = { (value: (TrainingEpoch) -> Double?) in
                stage.epochs.compactMap { epoch in
                    value(epoch).map { LineChart.Point(x: Double(start + epoch.epoch), y: $0) }
                }
            }
            losses.append(LineChart.Series(stage.name, style: style, shape: .line(points(\.loss))))
            let measured = points { $0.validationAccuracy.map { $0 * 100 } }
            if !measured.isEmpty {
                accuracies.append(LineChart.Series(stage.name, style: style, shape: .line(measured)))
            }
            start += stage.epochs[stage.epochs.count - 1].epoch
        }
        let epoch = PlotAxis("epoch, through all stages")
        var charts = [
            ("loss", LineChart(title: "Training loss: \(results.name)", x: epoch, y: PlotAxis("loss"), series: losses))
        ]
        if !accuracies.isEmpty {
            let axis = PlotAxis("accuracy", unit: .percent)
            charts.append(
                (
                    "accuracy",
                    LineChart(
                        title: "Accuracy on the proxy's validation data: \(results.name)", x: epoch, y: axis,
                        series: accuracies)
                ))
        }
        return charts.map { kind, chart in
            Figure(file: "\(results.name)-\(kind).svg", caption: chart.title, svg: chart.svg)
        }
    }

    private var costs: String {
        var table = MarkdownTable([
            ("module", .left), ("kind", .left), ("parameters", .right), ("bytes", .right), ("of the model", .right),
            ("FLOPs an example", .right), ("peak training memory", .right),
        ])
        for module in results.modules {
            let share = results.modelBytes > 0 ? Double(module.bytes) / Double(results.modelBytes) : 0
            table.add([
                module.module, module.kind, NumberText.count(module.parameters), NumberText.count(module.bytes),
                "\(NumberText.fixed(share * 100, 1)) %", NumberText.count(module.flops),
                NumberText.bytes(Double(module.peakTrainingMemory)),
            ])
        }
        return "The whole model's weights take \(NumberText.bytes(Double(results.modelBytes))).\n\n" + table.text
    }
}
