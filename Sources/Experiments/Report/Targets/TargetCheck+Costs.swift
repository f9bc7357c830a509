extension TargetCheck {
    /// How many times fewer bytes than FedAvg to the accuracy that FedAvg reaches, mean over rows.
    static func fewerBytes(_ rows: [ExperimentResults.Row], method: MethodCode, how: String) -> TargetCheck {
        var check = TargetCheck(
            target: "bytes to FedAvg's best accuracy (\(how))", scope: scope(rows),
            wanted: "at least 7.12 times fewer", measured: "–", verdict: .met)
        let ratios = rows.compactMap { row in row.bytes(of: method).map { (row.name, $0) } }
        guard !rows.isEmpty, ratios.count == rows.count, rows.allSatisfy({ $0.result(of: .fedAvg) != nil }) else {
            check.verdict = .notMeasured("a row lacks \(method) or FA")
            return check
        }
        let reached = ratios.compactMap(\.1.fewerToTarget)
        let mean = reached.reduce(0, +) / Double(max(1, reached.count))
        guard reached.count == ratios.count else {
            let short = ratios.filter { $0.1.fewerToTarget == nil }.map { "\"\($0.0)\"" }.joined(separator: ", ")
            let found = reached.isEmpty ? "" : "\(NumberText.fixed(mean, 2)) times fewer over the other rows; "
            check.measured = found + "not every seed reaches it on \(short)"
            check.verdict = .missed(by: "\(ratios.count - reached.count) of \(ratios.count) rows that do not reach it")
            return check
        }
        let each = reached.map { NumberText.fixed($0, 2) }.joined(separator: ", ")
        check.measured = "\(NumberText.fixed(mean, 2)) times fewer" + (reached.count > 1 ? " (\(each))" : "")
        check.verdict = verdict(mean, atLeast: 7.12, unit: "times")
        return check
    }

    /// What is wanted of sub-models capped in size.
    static func capChecks(
        _ ours: CapResult, others: [CapResult], fullModel: ExperimentResults.FullModel?
    ) -> [TargetCheck] {
        let plain = others.first { $0.method == .oursNoAbilityEnhancing }
        return [memory(ours, fullModel: fullModel), ability(ours, plain: plain), halfSize(ours)]
    }

    private static func memory(_ ours: CapResult, fullModel: ExperimentResults.FullModel?) -> TargetCheck {
        let capped = ours.point(at: 0.2)?.peakTrainingMemory
        let ratio = capped.flatMap { capped in
            fullModel.flatMap { capped > 0 ? Double($0.peakTrainingMemory) / capped : nil }
        }
        return TargetCheck(
            target: "peak training memory at a 20 % cap, under the full model's", scope: ours.row,
            wanted: "at least 4 times lower", measured: ratio.map { "\(NumberText.fixed($0, 2)) times lower" } ?? "–",
            verdict: ratio.map { verdict($0, atLeast: 4, unit: "times") } ?? .notMeasured("no memory at this cap"))
    }

    private static func ability(_ ours: CapResult, plain: CapResult?) -> TargetCheck {
        let gain = difference(ours.point(at: 0.2), plain?.point(at: 0.2))
        return TargetCheck(
            target: "what ability enhancing is worth at a 20 % cap", scope: ours.row, wanted: "at least +5 points",
            measured: gain.map(signed) ?? "–",
            verdict: gain.map { verdict($0, atLeast: 5, unit: "points") }
                ?? .notMeasured("no accuracy with and without it at this cap"))
    }

    private static func halfSize(_ ours: CapResult) -> TargetCheck {
        let loss = difference(ours.point(at: 0.5), ours.point(at: 0.2))
        return TargetCheck(
            target: "what a 20 % cap costs against a 50 % cap", scope: ours.row, wanted: "at most 3.65 points",
            measured: loss.map { "\(NumberText.fixed($0, 2)) points" } ?? "–",
            verdict: loss.map { verdict(-$0, atLeast: -3.65, unit: "points") }
                ?? .notMeasured("no accuracy at both caps"))
    }

    /// Points between the means of two caps' accuracies.
    private static func difference(_ left: CapPoint?, _ right: CapPoint?) -> Double? {
        guard let left = left.flatMap({ Spread($0.accuracies) }), let right = right.flatMap({ Spread($0.accuracies) })
        else { return nil }
        return (left.mean - right.mean) * 100
    }
}

extension CapResult {
    /// What was measured at a cap.
    public func point(at cap: Double) -> CapPoint? { points.first { abs($0.cap - cap) < 1e-6 } }
}
