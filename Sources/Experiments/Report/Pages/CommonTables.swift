import Plots

/// The set-up and the machine.
enum FactTable {
    static func text(_ facts: [Fact], machine: MachineFacts) -> String {
        var table = MarkdownTable([("setting", .left), ("value", .left)])
        for fact in facts { table.add([fact.name, fact.value]) }
        table.add(
            ["machine", "\(machine.cores) cores, libtorch \(machine.libtorch), threads a device: \(machine.threads)"])
        return table.text
    }
}

/// The targets and what became of them.
enum TargetTable {
    static func text(_ checks: [TargetCheck]) -> String {
        var table = MarkdownTable([
            ("target", .left), ("on", .left), ("wanted", .left), ("measured", .left), ("result", .left),
        ])
        for check in checks {
            table.add([check.target, check.scope, check.wanted, check.measured, check.verdict.description])
        }
        return table.text
    }
}

/// The main table: methods by rows.
enum AccuracyTable {
    static let explanation = """
        Accuracy in % of each device's model on its own test data: mean over devices, then mean ± standard deviation
        over seeds. The best of each column is bold; ablations are variants of ours, below the line of ours.

        """

    static func text(_ rows: [ExperimentResults.Row]) -> String {
        var table = MarkdownTable(
            [(name: "method", alignment: .left), (name: "", alignment: .left)]
                + rows.map { (name: "\($0.name) (n = \($0.seeds.count))", alignment: .right) })
        let methods = rows.flatMap(\.methods).inOrder
        let codes = methods.map(\.method.rawValue).uniqued.map(MethodCode.init(rawValue:))
        let best = rows.map { row in row.methods.compactMap { $0.accuracy.map { rounded($0.mean) } }.max() }
        for code in codes {
            let cells = rows.enumerated().map { index, row in
                guard let accuracy = row.accuracy(of: code) else { return "–" }
                return rounded(accuracy.mean) == best[index] ? "**\(accuracy.points)**" : accuracy.points
            }
            table.add([code.rawValue, methods.first { $0.method == code }?.title ?? ""] + cells)
        }
        return table.text
    }

    /// To what the table shows: what looks equal is equal.
    private static func rounded(_ value: Double) -> Double { NumberText.rounded(value, 4) }
}

/// Accuracy, memory and time by size cap.
enum CapTable {
    static func text(_ results: [CapResult], fullModel: ExperimentResults.FullModel?) -> String {
        let caps = Set(results.flatMap { $0.points.map(\.cap) }).sorted()
        var table = MarkdownTable(
            [(name: "cap", alignment: .right)]
                + results.map { (name: $0.method.rawValue, alignment: .right) }
                + [
                    ("sub-model", .right), ("peak training memory", .right), ("times less than full", .right),
                    ("a training batch", .right),
                ])
        for cap in caps {
            let points = results.map { $0.point(at: cap) }
            let size = points.compactMap { $0 }.first
            let memory = points.compactMap { $0?.peakTrainingMemory }.first
            let seconds = points.compactMap { $0?.secondsPerBatch }.first
            let ratio = memory.flatMap { memory in
                fullModel.flatMap { memory > 0 ? Double($0.peakTrainingMemory) / memory : nil }
            }
            table.add(
                ["\(NumberText.short(cap * 100, 1)) %"]
                    + points.map { $0.flatMap { Spread($0.accuracies)?.points } ?? "–" }
                    + [
                        size.map { NumberText.bytes($0.subModelBytes) } ?? "–",
                        memory.map { NumberText.bytes($0) } ?? "–", ratio.map { NumberText.fixed($0, 2) } ?? "–",
                        seconds.map(NumberText.seconds) ?? "–",
                    ])
        }
        return "Accuracy in %, mean ± standard deviation over seeds, when every sub-model is capped at a share of the\n"
            + "full model's parameters. Size, memory and time are those of the first method.\n\n" + table.text
    }
}

/// Routing before and after ability enhancing, in numbers.
enum RoutingTable {
    static func text(_ result: AbilityResult) -> String {
        var table = MarkdownTable([
            ("layer", .left), ("modules a sub-task uses, before", .right), ("after", .right),
            ("overlap of sub-tasks, before", .right), ("after", .right),
        ])
        for layer in result.layers {
            let before = RoutingStatistics(layer.before)
            let after = RoutingStatistics(layer.after)
            table.add([
                layer.name, NumberText.fixed(before.modulesPerSubTask, 1), NumberText.fixed(after.modulesPerSubTask, 1),
                NumberText.fixed(before.overlap, 2), NumberText.fixed(after.overlap, 2),
            ])
        }
        return
            "Modules that a sub-task uses: exp of its mean gates' entropy, mean over sub-tasks. Overlap: the share of\n"
            + "their gates that two sub-tasks give to the same modules, mean over pairs.\n\n" + table.text
    }
}

/// The continuous run in numbers.
enum ContinuousTable {
    static func text(_ result: ContinuousResult) -> String {
        var table = MarkdownTable([
            ("method", .left), ("", .left), ("accuracy", .right), ("last quarter", .right), ("over LA", .right),
            ("device time a step", .right), ("against LA's", .right), ("bytes up", .right), ("bytes down", .right),
        ])
        let local = result.methods.first { $0.method == .localAdaptation }
        let localSeconds = local.flatMap { meanSeconds($0) }
        let order = result.methods.map { MethodResult(method: $0.method, title: $0.title, runs: []) }.inOrder
        for entry in order {
            guard let method = result.methods.first(where: { $0.method == entry.method }) else { continue }
            let seconds = meanSeconds(method)
            let saved = seconds.flatMap { mine in
                localSeconds.flatMap { $0 > 0 && method.method != .localAdaptation ? (mine / $0 - 1) * 100 : nil }
            }
            let lead = local.flatMap { method.method == .localAdaptation ? nil : meanLead(of: method, over: $0) }
            table.add([
                method.method.rawValue, method.title,
                Spread(method.runs.map { mean($0.accuracies[...]) })?.points ?? "–",
                Spread(method.runs.map { mean($0.accuracies.suffix(max(1, $0.accuracies.count / 4))) })?.points ?? "–",
                lead?.signedPoints ?? "–", seconds.map(NumberText.seconds) ?? "–",
                saved.map { "\($0 > 0 ? "+" : "")\(NumberText.fixed($0, 1)) %" } ?? "–",
                bytes(method.runs.map(\.bytesUp)), bytes(method.runs.map(\.bytesDown)),
            ])
        }
        let steps = result.methods.first?.runs.first?.accuracies.count ?? 0
        return
            "\(steps) steps. Accuracy in %: mean over steps and devices, then mean ± standard deviation over seeds;\n"
            + "the same over the last quarter of the steps. Bytes are those of a whole run, over all devices.\n\n"
            + table.text
    }

    private static func mean(_ values: ArraySlice<Double>) -> Double {
        values.reduce(0, +) / Double(max(1, values.count))
    }

    private static func meanSeconds(_ method: ContinuousMethod) -> Double? {
        Spread(method.runs.map { mean($0.seconds[...]) })?.mean
    }

    private static func meanLead(of method: ContinuousMethod, over other: ContinuousMethod) -> Spread? {
        Spread(
            method.runs.compactMap { run in
                other.runs.first { $0.seed == run.seed }.map { mean(run.accuracies[...]) - mean($0.accuracies[...]) }
            })
    }

    private static func bytes(_ columns: [[Int]]) -> String {
        Spread(columns.map { Double($0.reduce(0, +)) }).map { $0.mean == 0 ? "–" : NumberText.bytes($0.mean) } ?? "–"
    }
}
