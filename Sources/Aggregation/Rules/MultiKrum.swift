/// The mean of the m updates that lie closest to their neighbours by the scores of ``Krum`` (Blanchard et al., 2017).
public struct MultiKrum: AggregationRule {
    public static let definition = MethodDefinition(
        "multi_krum", "the mean of the m updates that are closest to their neighbours",
        [Krum.faultyParameter, selectedParameter])
    public static let maximumUpdates = 1024

    private static let selectedParameter = Parameter(
        "m", 1...1024, whole: true, required: true, "updates to select")

    /// Updates that may be arbitrarily wrong.
    public let faulty: Int
    /// Updates to select.
    public let selected: Int

    public init(_ values: ParameterValues) {
        faulty = values.whole(Krum.faultyParameter)
        selected = values.whole(Self.selectedParameter)
    }

    /// - Throws: ``AggregationError`` with `invalidPolicy` for a number below 0, or nothing to select.
    public init(faulty: Int, selected: Int) throws(AggregationError) {
        try self.init(
            parameters: [
                Krum.faultyParameter.name: Double(faulty), Self.selectedParameter.name: Double(selected),
            ])
    }

    /// The bounds of the guarantee: n >= 2f + 3, and m <= n - f - 2.
    public var minimumContributions: Int { Krum.minimum(faulty: faulty, selected: selected) }
    /// What the guarantee asks for.
    public var requiredUpdates: Int { minimumContributions }
    /// By distances.
    public var method: AggregationMethod {
        .distanceWeighted { [faulty, selected] in
            Krum.weights(of: $0.count, $1, faulty: faulty, selected: selected)
        }
    }
}
