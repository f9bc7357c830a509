import Plots

/// What a page says of one row.
struct RowSection {
    private let row: ExperimentResults.Row
    private let methods: [MethodResult]

    init(_ row: ExperimentResults.Row) {
        self.row = row
        methods = row.methods.inOrder.filter { !$0.runs.isEmpty }
    }

    /// The section under its heading, without pictures.
    var text: String {
        opening + "\nAccuracy in %:\n\n" + accuracy + "\n" + bytesExplanation + "\n" + bytes
            + "\nWhat a device runs and trains, mean over devices and seeds:\n\n" + costs
    }

    private var opening: String {
        let skew =
            switch row.skew {
            case .feature: "feature skew"
            case .label: "label skew"
            }
        var text = "Data set `\(row.dataset)` with \(skew), \(row.devices) devices; \(row.model); "
        text += "seeds \(row.seeds.map(String.init).joined(separator: ", ")).\n"
        if let model = row.fullModel {
            text += "The full model has \(NumberText.count(model.parameters)) parameters in "
            text += "\(NumberText.bytes(Double(model.bytes))); training it peaks at "
            text += "\(NumberText.bytes(Double(model.peakTrainingMemory))) and takes "
            text += "\(NumberText.seconds(model.secondsPerBatch)) a batch.\n"
        }
        return text
    }

    private var accuracy: String {
        var table = MarkdownTable([
            ("method", .left), ("", .left), ("accuracy", .right), ("worst tenth of devices", .right),
            ("ours is ahead by", .right), ("best round's, smoothed", .right),
        ])
        for method in methods {
            let worst = Spread(method.runs.map { Self.worstTenth($0.deviceAccuracies) })
            let best = Spread(method.runs.filter { $0.curve.count > 1 }.compactMap(ByteAccounting.best))
            let lead = method.method == .ours ? nil : row.lead(of: .ours, over: method.method)
            table.add([
                method.method.rawValue, method.title, method.accuracy?.points ?? "–", worst?.points ?? "–",
                lead?.signedPoints ?? "–", best?.points ?? "–",
            ])
        }
        return table.text
    }

    private let bytesExplanation = """
        Bytes over all devices, mean over seeds. "To FA's accuracy": until the method's curve (mean over three rounds)
        is at the best that FedAvg's curve reaches with the same seed. "To convergence": until it is within half a
        point of its own best. The factors say how many times fewer bytes than FedAvg's that is. A method that starts
        there needs 0 B.

        """

    private var bytes: String {
        var table = MarkdownTable([
            ("method", .left), ("encoding", .left), ("counted", .left), ("up", .right), ("down", .right),
            ("to FA's accuracy", .right), ("times fewer", .right), ("to convergence", .right), ("times fewer", .right),
        ])
        for method in methods {
            guard let bytes = row.bytes(of: method.method),
                method.runs.contains(where: { $0.bytesUp + $0.bytesDown > 0 })
            else { continue }
            let wire = method.runs.filter(\.overTheWire).count
            table.add([
                method.method.rawValue, method.runs.compactMap(\.encoding).uniqued.joined(separator: ", "),
                wire == method.runs.count ? "on the wire" : (wire == 0 ? "from sizes" : "on the wire in \(wire) runs"),
                Self.bytes(method.runs.map(\.bytesUp)), Self.bytes(method.runs.map(\.bytesDown)),
                reached(bytes), Self.factor(bytes.fewerToTarget),
                Self.bytes(bytes.toConvergence), Self.factor(bytes.fewerToConvergence),
            ])
        }
        return table.isEmpty ? "No method sends anything.\n" : table.text
    }

    private func reached(_ bytes: ByteComparison) -> String {
        guard row.result(of: .fedAvg) != nil else { return "–" }
        guard bytes.toTarget.count < bytes.seeds else { return Self.bytes(bytes.toTarget) }
        guard !bytes.toTarget.isEmpty else { return "not reached" }
        return "\(Self.bytes(bytes.toTarget)) (\(bytes.toTarget.count) of \(bytes.seeds) seeds)"
    }

    private var costs: String {
        var table = MarkdownTable([
            ("method", .left), ("weights", .right), ("parameters", .right), ("peak training memory", .right),
            ("times less than full", .right), ("a training batch", .right), ("training steps, all devices", .right),
        ])
        for method in methods {
            let mean = { (value: (RunResult) -> Double?) in Spread(method.runs.compactMap(value))?.mean }
            let memory = mean(\.peakTrainingMemory)
            let ratio = memory.flatMap { memory in
                row.fullModel.flatMap { memory > 0 ? Double($0.peakTrainingMemory) / memory : nil }
            }
            table.add([
                method.method.rawValue, mean(\.subModelBytes).map { NumberText.bytes($0) } ?? "–",
                mean(\.subModelParameters).map { NumberText.count(Int($0.rounded())) } ?? "–",
                memory.map { NumberText.bytes($0) } ?? "–", ratio.map { NumberText.fixed($0, 2) } ?? "–",
                mean(\.secondsPerBatch).map(NumberText.seconds) ?? "–",
                mean { Double($0.localSteps) }.map { NumberText.count(Int($0.rounded())) } ?? "–",
            ])
        }
        return table.text
    }

    private static func factor(_ ratio: Double?) -> String {
        ratio.map { $0.isFinite ? NumberText.fixed($0, 2) : "∞" } ?? "–"
    }

    private static func bytes(_ values: [Int]) -> String {
        Spread(values.map(Double.init)).map { NumberText.bytes($0.mean) } ?? "–"
    }

    /// The mean over the tenth of the devices, at least one, that do worst.
    private static func worstTenth(_ accuracies: [Double]) -> Double {
        let worst = accuracies.sorted().prefix(max(1, (accuracies.count + 5) / 10))
        return worst.reduce(0, +) / Double(worst.count)
    }
}
