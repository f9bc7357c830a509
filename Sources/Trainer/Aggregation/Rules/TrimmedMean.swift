import ECLMCore

/// The mean of each coordinate without its smallest and largest values (Yin et al., 2018).
public struct TrimmedMean: AggregationRule {
    /// The share of the values left out at each end, 0 to below 0.5; the number is rounded down, so with fewer updates
    /// than 1 / fraction nothing is left out.
    public let fraction: Double
    /// Whether the selector learns, too.
    public var trainsSelector: Bool

    /// The rule.
    ///
    /// - Throws: ``TrainerError`` with `invalidPolicy` for a fraction outside 0..<0.5.
    public init(fraction: Double, trainsSelector: Bool = false) throws(TrainerError) {
        guard fraction >= 0, fraction < 0.5 else {
            throw TrainerError(.invalidPolicy, "the trimmed fraction must lie in 0..<0.5, not be \(fraction)")
        }
        self.fraction = fraction
        self.trainsSelector = trainsSelector
    }

    /// `trimmed_mean`, or `trimmed_mean_selector`.
    public var name: String { trainsSelector ? "trimmed_mean_selector" : "trimmed_mean" }
    /// Everything but, unless told otherwise, the selector.
    public func trains(_ kind: ModuleKind) -> Bool { kind != .selector || trainsSelector }
    /// Leaves out the share at each end.
    public var method: AggregationMethod { .trimmed { [fraction] in Int(fraction * Double($0)) } }
}
