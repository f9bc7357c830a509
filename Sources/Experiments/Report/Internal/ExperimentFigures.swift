import Plots

/// The pictures of an experiment's report.
struct ExperimentFigures {
    /// The experiment's name, which file names begin with.
    let experiment: String

    private func file(_ parts: String...) -> String {
        ([experiment] + parts.map(FileName.part)).joined(separator: "-") + ".svg"
    }

    /// The pictures of a row: accuracy over rounds, over bytes, over size, and the ablations.
    func figures(of row: ExperimentResults.Row) -> [Figure] {
        let methods = row.methods.inOrder.filter { !$0.runs.isEmpty }
        let compared = methods.filter { !$0.method.isAblation }
        // How weights are sent hardly changes the accuracy: those variants show over bytes alone.
        let ablations = methods.filter {
            $0.method == .ours || ($0.method.isAblation && !$0.method.isExchangeVariant)
        }
        var figures: [Figure] = []
        if compared.contains(where: \.hasCurve) {
            figures.append(overRounds(compared, row, kind: "rounds", caption: "Accuracy over rounds"))
        }
        if methods.contains(where: { $0.hasCurve && $0.sendsBytes }) {
            let sending = methods.filter { $0.method.isExchangeVariant || !$0.method.isAblation }
            figures.append(overBytes(sending, row))
        }
        if !methods.isEmpty { figures.append(overSize(methods.filter { !$0.method.isExchangeVariant }, row)) }
        if ablations.contains(where: { $0.method.isAblation }), ablations.contains(where: \.hasCurve) {
            figures.append(
                overRounds(ablations, row, kind: "ablations", caption: "Ours and its ablations over rounds"))
        }
        return figures
    }

    private func overRounds(
        _ methods: [MethodResult], _ row: ExperimentResults.Row, kind: String, caption: String
    ) -> Figure {
        let series = methods.compactMap { method -> LineChart.Series? in
            method.hasCurve
                ? method.series { Double($0[0].round) } : method.level
        }
        return figure(kind, row, caption, x: PlotAxis("round"), series)
    }

    private func overBytes(_ methods: [MethodResult], _ row: ExperimentResults.Row) -> Figure {
        let series = methods.compactMap { method -> LineChart.Series? in
            guard method.hasCurve, method.sendsBytes else { return method.level }
            return method.series { points in
                points.reduce(0) { $0 + Double($1.bytes) } / Double(points.count)
            }
        }
        let axis = PlotAxis("bytes up and down, all devices", unit: .bytes, kind: .logarithmic)
        return figure("bytes", row, "Accuracy over bytes", x: axis, series)
    }

    private func overSize(_ methods: [MethodResult], _ row: ExperimentResults.Row) -> Figure {
        let series = methods.compactMap { method -> LineChart.Series? in
            guard let size = Spread(method.runs.map(\.subModelBytes)), let accuracy = method.accuracy else {
                return nil
            }
            let point = LineChart.Point(
                x: size.mean, y: accuracy.mean * 100, spread: (accuracy.deviation ?? 0) * 100)
            return LineChart.Series(method.method.rawValue, style: method.method.style, shape: .scatter([point]))
        }
        let axis = PlotAxis("weights that a device runs, mean over devices", unit: .bytes)
        return figure("size", row, "Size against accuracy", x: axis, series)
    }

    private func figure(
        _ kind: String, _ row: ExperimentResults.Row, _ caption: String, x: PlotAxis, _ series: [LineChart.Series]
    ) -> Figure {
        let chart = LineChart(
            title: "\(caption): \(row.name)", x: x, y: PlotAxis("accuracy", unit: .percent), series: series)
        return Figure(file: file(row.name, kind), caption: chart.title, svg: chart.svg)
    }

    /// Accuracy against size caps, one picture for all methods on one row.
    func caps(_ results: [CapResult], on row: String) -> Figure {
        let order = results.map { MethodResult(method: $0.method, title: "", runs: []) }.inOrder.map(\.method)
        let series = order.compactMap { method in
            results.first { $0.method == method }.map { result in
                LineChart.Series(
                    method.rawValue, style: method.style,
                    shape: .line(
                        result.points.compactMap { point in
                            Spread(point.accuracies).map { accuracy in
                                LineChart.Point(
                                    x: point.cap * 100, y: accuracy.mean * 100,
                                    spread: (accuracy.deviation ?? 0) * 100)
                            }
                        }))
            }
        }
        let chart = LineChart(
            title: "Accuracy by size cap: \(row)", x: PlotAxis("cap, share of the full model", unit: .percent),
            y: PlotAxis("accuracy", unit: .percent), series: series)
        return Figure(file: file(row, "caps"), caption: chart.title, svg: chart.svg)
    }

    /// Accuracy over the steps of a continuous run.
    func continuous(_ result: ContinuousResult) -> Figure {
        let order = result.methods.map { MethodResult(method: $0.method, title: "", runs: []) }.inOrder.map(\.method)
        let series = order.compactMap { code -> LineChart.Series? in
            guard let method = result.methods.first(where: { $0.method == code }) else { return nil }
            let steps = method.runs.map(\.accuracies.count).min() ?? 0
            let points = (0..<steps).compactMap { step in
                Spread(method.runs.map { $0.accuracies[step] }).map { accuracy in
                    LineChart.Point(
                        x: Double(step + 1), y: accuracy.mean * 100, spread: (accuracy.deviation ?? 0) * 100)
                }
            }
            return LineChart.Series(code.rawValue, style: code.style, shape: .line(points))
        }
        let chart = LineChart(
            title: "Continuous run: \(result.row)", x: PlotAxis("step"), y: PlotAxis("accuracy", unit: .percent),
            series: series)
        return Figure(file: file(result.row, "continuous"), caption: chart.title, svg: chart.svg)
    }

    /// Routing before and after ability enhancing.
    func routing(_ result: AbilityResult) -> Figure {
        let hasMapping = result.layers.contains { $0.mapping != nil }
        let map = HeatMap(
            title: "Routing: \(result.name), seed \(result.seed)",
            columns: ["before enhancing"] + (hasMapping ? ["asked for"] : []) + ["after enhancing"],
            rows: result.layers.map {
                HeatMap.Row($0.name, matrices: [$0.before] + (hasMapping ? [$0.mapping] : []) + [$0.after])
            },
            rowLabels: result.subTasks, columnTitle: "module", valueTitle: "mean gate")
        return Figure(file: file(result.name, "seed \(result.seed) routing"), caption: map.title, svg: map.svg)
    }
}

extension MethodResult {
    /// The accuracy: mean over devices, then mean and deviation over seeds.
    var accuracy: Spread? { Spread(runs.map(\.accuracy)) }

    fileprivate var hasCurve: Bool { runs.contains { $0.curve.count > 1 } }
    fileprivate var sendsBytes: Bool { runs.contains { $0.bytesUp + $0.bytesDown > 0 } }

    /// The final accuracy as a level to compare curves with.
    fileprivate var level: LineChart.Series? {
        accuracy.map {
            LineChart.Series(method.rawValue, style: method.style, shape: .level($0.mean * 100))
        }
    }

    /// The mean curve over seeds, with their deviation: the rounds that all seeds have.
    fileprivate func series(x: ([CurvePoint]) -> Double) -> LineChart.Series {
        let curves = runs.map { run in Dictionary(run.curve.map { ($0.round, $0) }) { first, _ in first } }
        let points = (runs.first?.curve ?? []).compactMap { first -> LineChart.Point? in
            let points = curves.compactMap { $0[first.round] }
            guard points.count == curves.count, let accuracy = Spread(points.map(\.accuracy)) else { return nil }
            return LineChart.Point(
                x: x(points), y: accuracy.mean * 100, spread: (accuracy.deviation ?? 0) * 100)
        }
        return LineChart.Series(method.rawValue, style: method.style, shape: .line(points))
    }
}
