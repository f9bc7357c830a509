import ECLMCore

/// Module-wise aggregation as in the paper, section 2: w_i' = Σ_k [Imp(i|k) / Σ_k' Imp(i|k')] · w_i,k.
///
/// Experts and bypasses weigh by importance; where all importances of a module are zero, and for the shared parts, for
/// which the paper gives no rule, by sample count as in federated averaging.
public struct ImportanceWeightedMean: AggregationRule {
    /// Whether the selector learns, too. Frozen by default, so that importances stay comparable between devices.
    public var trainsSelector: Bool

    /// The rule.
    public init(trainsSelector: Bool = false) {
        self.trainsSelector = trainsSelector
    }

    /// `importance_mean`, or `importance_mean_selector` when the selector learns.
    public var name: String { trainsSelector ? "importance_mean_selector" : "importance_mean" }

    /// Everything but, unless told otherwise, the selector.
    public func trains(_ kind: ModuleKind) -> Bool { kind != .selector || trainsSelector }

    /// Yes: sums of importances and of samples are all that it needs of a part.
    public var mergesPartials: Bool { true }
    /// A weighted sum.
    public var method: AggregationMethod { .weightedSum { weights(of: $0, kind: $1) } }

    /// The normalised importances, or sample counts.
    public func weights(of contributions: [Contribution], kind: ModuleKind) -> [Double] {
        if !kind.isShared, let weights = Shares.normalised(contributions.map(\.importance)) { return weights }
        return Shares.normalised(contributions.map { Double($0.sampleCount) }) ?? []
    }
}
