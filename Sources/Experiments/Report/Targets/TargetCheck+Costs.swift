import Plots

extension TargetCheck {
    /// How many times fewer bytes than FedAvg to the accuracy that FedAvg reaches, mean over rows.
    static func fewerBytes(_ rows: [ExperimentResults.Row], method: MethodCode, how: String) -> TargetCheck {
        var check = TargetCheck(
            target: "bytes to FedAvg's best accuracy (\(how))", scope: scope(rows),
            wanted: "at least 7.12 times fewer", measured: "–", verdict: .met)
        guard !rows.isEmpty, rows.allSatisfy({ $0.result(of: .fedAvg) != nil && $0.result(of: method) != nil }) else {
            check.verdict = .notMeasured("a row lacks \(method) or FA")
            return check
        }
        // Where FedAvg is never better than at its start, its best accuracy costs it nothing.
        let idle = rows.filter { $0.bytes(of: .fedAvg)?.toTarget.allSatisfy { $0 == 0 } ?? true }
        let compared = rows.filter { row in !idle.contains { $0.name == row.name } }
        let short = compared.filter { $0.bytes(of: method)?.fewerToTarget == nil }
        let ratios = compared.compactMap { $0.bytes(of: method)?.fewerToTarget }
        let finite = ratios.filter(\.isFinite)
        let mean = finite.isEmpty ? .infinity : finite.reduce(0, +) / Double(finite.count)

        var measured: [String] = []
        if !finite.isEmpty {
            let each = finite.map { NumberText.fixed($0, 2) }.joined(separator: ", ")
            measured.append("\(NumberText.fixed(mean, 2)) times fewer" + (finite.count > 1 ? " (\(each))" : ""))
        }
        if finite.count < ratios.count { measured.append("nothing sent on \(ratios.count - finite.count) rows") }
        if !short.isEmpty { measured.append("not every seed reaches it on \(names(short))") }
        if !idle.isEmpty { measured.append("left out, as FedAvg is best before its first round: \(names(idle))") }
        check.measured = measured.joined(separator: "; ")
        if !short.isEmpty {
            check.verdict = .missed(by: "\(short.count) of \(compared.count) rows that do not reach it")
        } else if compared.isEmpty {
            check.verdict = .notMeasured("FedAvg never improves on its start")
        } else {
            check.verdict = verdict(mean, atLeast: 7.12, unit: "times")
        }
        return check
    }

    private static func names(_ rows: [ExperimentResults.Row]) -> String {
        rows.map { "\"\($0.name)\"" }.joined(separator: ", ")
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
