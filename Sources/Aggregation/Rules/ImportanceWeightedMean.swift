import ECLMCore

/// Module-wise aggregation as in the paper, section 2: w_i' = Σ_k [Imp(i|k) / Σ_k' Imp(i|k')] · w_i,k.
///
/// Experts and bypasses weigh by importance; where all importances of a module are zero, and for the shared parts, for
/// which the paper gives no rule, by sample count as in federated averaging.
public struct ImportanceWeightedMean: AggregationRule {
    public static let definition = MethodDefinition(
        "importance_mean", "the mean weighted by importance (the paper's rule)", [StalenessDiscount.parameter])

    private let discount: StalenessDiscount

    /// Without a discount.
    public init() { discount = .none }
    public init(_ values: ParameterValues) { discount = StalenessDiscount(values) }

    /// - Throws: ``AggregationError`` with `invalidPolicy` for an exponent outside 0...10.
    public init(staleness exponent: Double) throws(AggregationError) {
        try self.init(parameters: [StalenessDiscount.parameter.name: exponent])
    }

    public var recordedName: String { discount.recordedName(of: Self.definition.name) }
    /// Yes, without a discount: sums of importances and of samples are all that it needs of a part.
    public var mergesPartials: Bool { discount.isNone }
    /// A weighted sum.
    public var method: AggregationMethod {
        .weightedSum { [discount] contributions, kind in
            discount.applied(to: Self.weights(of: contributions, kind: kind), of: contributions)
        }
    }

    /// The normalised importances, or sample counts.
    static func weights(of contributions: [Contribution], kind: ModuleKind) -> [Double] {
        if !kind.isShared, let weights = Shares.normalised(contributions.map(\.importance)) { return weights }
        return Shares.ofSamples(contributions)
    }
}
