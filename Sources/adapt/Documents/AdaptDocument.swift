import Adaptation
import CommandSupport
import ECLMCore
import Learning

/// What `adapt` prints of an adaptation.
struct AdaptDocument: Encodable {
    private let report: AdaptationReport

    init(_ report: AdaptationReport) { self.report = report }

    func encode(to encoder: any Encoder) throws { try report.encode(to: encoder) }

    func print(to output: CommandOutput) throws {
        for warning in report.warnings { output.remark("warning: \(warning)") }
        try output.result(self) { width in
            fields.rendered() + "\n" + Self.table(of: report.subsets).rendered(width: width)
        }
    }

    /// One line for a stream of events.
    var line: String {
        var line = "adapted \(report.model) on release \(report.release)"
        if let before = report.before, let after = report.after {
            line += ": accuracy \(Self.percent(before.accuracy)) -> \(Self.percent(after.accuracy))"
        }
        if let update = report.update { line += ", update \(update.id) \(update.status)" }
        return line
    }

    private var fields: FieldList {
        var fields = FieldList()
        fields.add("model", "\(report.model), release \(report.release)")
        switch report.resumed {
        case .training: fields.add("resumed", "an interrupted run had the sub-model already")
        case .submission: fields.add("resumed", "an interrupted run had trained already")
        case nil: break
        }
        for release in report.rolledBack {
            fields.add("rolled back", "release \(release), while this device trained on it; trained once more")
        }
        fields.add("modules", "\(report.modules.count), shared parts included")
        fields.add("memory", report.totals.memory.map { "\(ByteSize($0))" })
        fields.add(
            "trained on",
            "\(report.trainedExamples) examples in \(report.steps) steps; \(report.heldOutExamples) held out")
        if let before = report.before, let after = report.after {
            fields.add("accuracy", "\(Self.percent(before.accuracy)) -> \(Self.percent(after.accuracy))")
            fields.add(
                "loss",
                "\(Quantity.decimal(before.loss, places: 3)) -> \(Quantity.decimal(after.loss, places: 3))")
        }
        if let update = report.update {
            fields.add(
                "update",
                "\(update.id), \(update.status): \(update.modules.count) modules as \(update.encoding.rawValue)"
                    + (update.isReplay ? ", taken before" : ""))
        }
        let transfer = report.transfer
        fields.add("fetched", "\(transfer.fetchedModules) modules, \(ByteSize(transfer.fetchedBytes)) of weights")
        fields.add("uploaded", "\(ByteSize(transfer.uploadedBytes)) of weights")
        fields.add(
            "connection",
            "\(ByteSize(transfer.bytesReceived)) received, \(ByteSize(transfer.bytesSent)) sent")
        return fields
    }

    static func table(of subsets: [SubsetPlan.Subset]) -> Table {
        var table = Table([
            .number("subset"), .number("modules"), .number("memory"), .number("flops"), .number("importance"),
            .number("accuracy"),
        ])
        for (number, subset) in subsets.enumerated() {
            table.add([
                "\(number)", "\(subset.modules.reduce(0) { $0 + $1.count })",
                "\(ByteSize(subset.totals.memory ?? 0))", "\(OperationCount(subset.totals.flops ?? 0))",
                Quantity.decimal(subset.importance, places: 3),
                subset.measurement.map { percent($0.accuracy) } ?? "",
            ])
        }
        return table
    }

    static func percent(_ share: Double) -> String { "\(Quantity.decimal(share * 100, places: 1)) %" }
}
