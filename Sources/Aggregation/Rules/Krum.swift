/// The update that lies closest to its neighbours (Blanchard et al., 2017).
///
/// An update's score is the sum of its squared distances to its n - f - 2 nearest neighbours; of equal scores the older
/// update wins.
public struct Krum: AggregationRule {
    public static let definition = MethodDefinition(
        "krum", "the update that is closest to its neighbours", [faultyParameter])
    public static let maximumUpdates = 1024

    static let faultyParameter = Parameter(
        "f", 0...1024, whole: true, required: true, "updates that may be arbitrarily wrong")

    /// Updates that may be arbitrarily wrong.
    public let faulty: Int

    public init(_ values: ParameterValues) {
        faulty = values.whole(Self.faultyParameter)
    }

    /// - Throws: ``AggregationError`` with `invalidPolicy` for a number outside 0...1024.
    public init(faulty: Int) throws(AggregationError) {
        try self.init(parameters: [Self.faultyParameter.name: Double(faulty)])
    }

    /// The bound of the guarantee: n >= 2f + 3.
    public var minimumContributions: Int { Self.minimum(faulty: faulty, selected: 1) }
    /// What the guarantee asks for.
    public var requiredUpdates: Int { minimumContributions }
    /// By distances.
    public var method: AggregationMethod {
        .distanceWeighted { [faulty] in Self.weights(of: $0.count, $1, faulty: faulty, selected: 1) }
    }

    /// The bounds of the guarantee: n >= 2f + 3, and m <= n - f - 2.
    static func minimum(faulty: Int, selected: Int) -> Int { max(2 * faulty + 3, selected + faulty + 2) }

    /// 1/m for the m selected, 0 for the others.
    static func weights(of count: Int, _ distances: PairwiseDistances, faulty: Int, selected: Int) -> [Double] {
        let neighbours = max(1, count - faulty - 2)
        let scores = (0..<count).map { update in
            (0..<count).filter { $0 != update }.map { distances[update, $0] }.sorted().prefix(neighbours).reduce(0, +)
        }
        let order = (0..<count).sorted { (scores[$0], $0) < (scores[$1], $1) }
        let taken = order.prefix(selected)
        var weights = [Double](repeating: 0, count: count)
        for update in taken { weights[update] = 1 / Double(taken.count) }
        return weights
    }
}
