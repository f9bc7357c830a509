/// Federated averaging: every module is the mean weighted by sample counts (McMahan et al., 2017).
public struct SampleWeightedMean: AggregationRule {
    public static let definition = MethodDefinition(
        "sample_mean", "the mean weighted by sample counts (federated averaging)", [StalenessDiscount.parameter])

    private let discount: StalenessDiscount

    /// Without a discount.
    public init() { discount = .none }
    public init(_ values: ParameterValues) { discount = StalenessDiscount(values) }

    /// - Throws: ``AggregationError`` with `invalidPolicy` for an exponent outside 0...10.
    public init(staleness exponent: Double) throws(AggregationError) {
        try self.init(parameters: [StalenessDiscount.parameter.name: exponent])
    }

    public var recordedName: String { discount.recordedName(of: Self.definition.name) }
    /// Yes, without a discount: sums of samples are all that it needs of a part.
    public var mergesPartials: Bool { discount.isNone }
    /// A weighted sum.
    public var method: AggregationMethod {
        .weightedSum { [discount] contributions, _ in
            discount.applied(to: Shares.ofSamples(contributions), of: contributions)
        }
    }
}
