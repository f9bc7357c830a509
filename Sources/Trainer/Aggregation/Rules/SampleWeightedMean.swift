import ECLMCore

/// Federated averaging: every module is the mean weighted by sample counts (McMahan et al., 2017).
public struct SampleWeightedMean: AggregationRule {
    /// Whether the selector learns, too.
    public var trainsSelector: Bool

    /// The rule.
    public init(trainsSelector: Bool = false) { self.trainsSelector = trainsSelector }

    /// `sample_mean`, or `sample_mean_selector`.
    public var name: String { trainsSelector ? "sample_mean_selector" : "sample_mean" }
    /// Everything but, unless told otherwise, the selector.
    public func trains(_ kind: ModuleKind) -> Bool { kind != .selector || trainsSelector }
    /// Yes: sums of importances and of samples are all that it needs of a part.
    public var mergesPartials: Bool { true }
    /// A weighted sum.
    public var method: AggregationMethod {
        .weightedSum { contributions, _ in
            Shares.normalised(contributions.map { Double($0.sampleCount) }) ?? []
        }
    }
}
