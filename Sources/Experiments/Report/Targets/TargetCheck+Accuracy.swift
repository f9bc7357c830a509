import Plots

extension TargetCheck {
    /// What ours must be ahead of on every row. HeteroFL stands for the better of its two variants, masked and not.
    static let rivals: [MethodCode] = [
        .noAdaptation, .localAdaptation, .adaptiveNet, .fedAvg, .heteroFL, .heteroFLMasked, .fedAvgFineTuned,
    ]

    /// Ours is first on a row.
    static func firstPlace(_ row: ExperimentResults.Row) -> TargetCheck {
        var check = TargetCheck(
            target: "ours is first against NA, LA, AN, FA, HFL and FA+FT", scope: row.name, wanted: "ahead of all",
            measured: "–", verdict: .met)
        let missing = rivals.filter { row.accuracy(of: $0) == nil && $0 != .heteroFLMasked }
        guard missing.isEmpty, let ours = row.accuracy(of: .ours), let best = row.best(of: rivals) else {
            check.verdict = .notMeasured("without \(missing.map(\.rawValue).joined(separator: ", "))")
            return check
        }
        let lead = (ours.mean - best.accuracy) * 100
        check.measured = "\(ours.points) %, best other \(best.method) \(NumberText.fixed(best.accuracy * 100, 2)) %"
        check.verdict = verdict(lead, atLeast: 0, unit: "points")
        // A draw is no first place.
        if lead == 0 { check.verdict = .missed(by: "a draw") }
        return check
    }

    /// The largest lead over NA on a row with label skew.
    static func labelSkewLead(_ rows: [ExperimentResults.Row]) -> TargetCheck {
        let leads = rows.filter { $0.skew == .label }.compactMap { row in
            row.lead(of: .ours, over: .noAdaptation).map { (row.name, $0) }
        }
        let best = leads.max { $0.1.mean < $1.1.mean }
        return TargetCheck(
            target: "ours over NA on a label-skew row", scope: best?.0 ?? "label-skew rows",
            wanted: "at least +18.89 points", measured: best.map { $0.1.signedPoints } ?? "–",
            verdict: best.map { verdict($0.1.mean * 100, atLeast: 18.89, unit: "points") }
                ?? .notMeasured("no row with label skew has both"))
    }

    /// The mean lead over a kind of methods, over all rows.
    static func meanLead(
        _ rows: [ExperimentResults.Row], over others: [MethodCode], called kind: String, wanted: Double
    ) -> TargetCheck {
        var leads: [Double] = []
        for row in rows {
            for method in others {
                // The better variant of HeteroFL speaks for it.
                let rival = method == .heteroFL ? row.best(of: [.heteroFL, .heteroFLMasked])?.method ?? method : method
                if let lead = row.lead(of: .ours, over: rival) { leads.append(lead.mean * 100) }
            }
        }
        let names = others.map(\.rawValue).joined(separator: " and ")
        let isComplete = !rows.isEmpty && leads.count == rows.count * others.count
        let mean = leads.reduce(0, +) / Double(max(1, leads.count))
        return TargetCheck(
            target: "mean of ours over \(kind) methods (\(names))", scope: scope(rows),
            wanted: "at least +\(NumberText.fixed(wanted, 2)) points", measured: isComplete ? signed(mean) : "–",
            verdict: isComplete
                ? verdict(mean, atLeast: wanted, unit: "points") : .notMeasured("a row lacks \(names)"))
    }

    static func scope(_ rows: [ExperimentResults.Row]) -> String {
        rows.count == 1 ? rows[0].name : "\(rows.count) rows"
    }

    static func signed(_ points: Double) -> String {
        let text = NumberText.fixed(points, 2)
        return text.hasPrefix("-") ? text : "+" + text
    }

    /// Met, or missed by what two decimals show.
    static func verdict(_ value: Double, atLeast wanted: Double, unit: String) -> Verdict {
        // Sums of rounded accuracies differ in the last bits.
        guard value < wanted - 1e-9 else { return .met }
        let short = wanted - value
        return .missed(by: "\(short < 0.005 ? "less than 0.01" : NumberText.fixed(short, 2)) \(unit)")
    }
}
