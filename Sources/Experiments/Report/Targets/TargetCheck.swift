/// Whether one of the project's targets is met, and by how much it is missed.
public struct TargetCheck: Sendable, Hashable {
    /// What is to be shown.
    public var target: String
    /// Where: a row, or how many rows.
    public var scope: String
    /// What was wanted: `at least +18.89 points`.
    public var wanted: String
    /// What was measured.
    public var measured: String
    /// The result.
    public var verdict: Verdict

    /// The result of a check.
    public enum Verdict: Sendable, Hashable, CustomStringConvertible {
        case met
        /// Missed, and by how much.
        case missed(by: String)
        /// Not measured, and why.
        case notMeasured(String)

        /// As a table shows it.
        public var description: String {
            switch self {
            case .met: "met"
            case .missed(let amount): "**missed by \(amount)**"
            case .notMeasured(let reason): "not measured: \(reason)"
            }
        }
    }

    public init(target: String, scope: String, wanted: String, measured: String, verdict: Verdict) {
        self.target = target
        self.scope = scope
        self.wanted = wanted
        self.measured = measured
        self.verdict = verdict
    }

    /// All targets, over all rows of some experiments.
    public static func all(of experiments: [ExperimentResults]) -> [TargetCheck] {
        let rows = experiments.flatMap(\.rows)
        let measured = rows.filter { $0.accuracy(of: .ours) != nil }
        var checks = measured.map(firstPlace)
        checks.append(labelSkewLead(measured))
        checks.append(meanLead(measured, over: [.localAdaptation, .adaptiveNet], called: "on-device", wanted: 9.06))
        checks.append(meanLead(measured, over: [.fedAvg, .heteroFL], called: "collaborative", wanted: 11.07))
        checks.append(fewerBytes(measured, method: .ours, how: "as ours runs"))
        checks.append(fewerBytes(measured, method: .oursHalfPrecision, how: "and modules in half precision"))
        checks.append(fewerBytes(measured, method: .oursFullWeights, how: "full weights, nothing held"))
        for results in experiments {
            let rows = Dictionary(results.rows.map { ($0.name, $0) }) { first, _ in first }
            for caps in results.caps where caps.method == .ours {
                let others = results.caps.filter { $0.row == caps.row }
                checks += capChecks(caps, others: others, fullModel: rows[caps.row]?.fullModel)
            }
        }
        if !experiments.contains(where: { $0.caps.contains { $0.method == .ours } }) {
            checks += capChecks(CapResult(row: "all rows", method: .ours, points: []), others: [], fullModel: nil)
        }
        return checks
    }
}
