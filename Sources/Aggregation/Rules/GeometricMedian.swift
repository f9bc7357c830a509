/// The point with the least sum of Euclidean distances to the updates, by Weiszfeld's iteration (Pillutla et al., 2022):
/// holds while less than half of the updates are wrong.
///
/// The point is always a weighted mean of the updates, z = Σ a_k w_k, and its distances follow from those between the
/// updates: |w_i - z|² = Σ_j a_j D_ij - ½ Σ_jk a_j a_k D_jk. So the iteration runs over the weights a alone, and the
/// updates themselves are read twice, however many steps it takes.
public struct GeometricMedian: AggregationRule {
    public static let definition = MethodDefinition(
        "geometric_median", "the point with the least sum of distances to the updates",
        [toleranceParameter, iterationsParameter])
    public static let maximumUpdates = 1024

    private static let toleranceParameter = Parameter(
        "tolerance", 1e-15...1, standard: 1e-6,
        "ends the iteration when a step is shorter than this share of the typical distance")
    private static let iterationsParameter = Parameter(
        "iterations", 1...10_000, standard: 100, whole: true, "the most steps of the iteration")

    /// Ends the iteration when a step is shorter than this share of the typical distance between updates.
    public let tolerance: Double
    /// The most steps.
    public let iterations: Int

    public init(_ values: ParameterValues) {
        tolerance = values.number(Self.toleranceParameter)
        iterations = values.whole(Self.iterationsParameter)
    }

    /// - Throws: ``AggregationError`` with `invalidPolicy` for a tolerance outside 1e-15...1, and for steps outside
    ///   1...10000.
    public init(tolerance: Double = 1e-6, iterations: Int = 100) throws(AggregationError) {
        try self.init(
            parameters: [
                Self.toleranceParameter.name: tolerance, Self.iterationsParameter.name: Double(iterations),
            ])
    }

    /// Of two it is their mean, and one is wrong of three.
    public var requiredUpdates: Int { 3 }

    /// By distances.
    public var method: AggregationMethod { .distanceWeighted { weights(of: $0, $1) } }

    /// The weights a of the updates in their geometric median.
    ///
    /// An update a thousand million times farther off than is typical gets weight 0, since sums with its distances would
    /// have no digit left for the others. Iteration and tolerance go by the typical distance for the same reason: neither
    /// may depend on how far off a wrong update is.
    func weights(of contributions: [Contribution], _ distances: PairwiseDistances) -> [Double] {
        let count = contributions.count
        guard count > 1 else { return Shares.equal(count) }
        // Of each update, the median of its distances to the others.
        let medians = (0..<count).map { row in
            (0..<count).filter { $0 != row }.map { distances[row, $0].squareRoot() }.sorted()[(count - 1) / 2]
        }
        let typical = medians.min() ?? 0
        let near = medians.map { $0 <= typical * 1e9 }
        // More than half of the updates are one point: it is the median.
        guard typical > 0 else { return Shares.normalised(near.map { $0 ? 1 : 0 }) ?? Shares.equal(count) }
        // From close to the end: the wrong ones weigh little from the start.
        var weights = Shares.normalised(zip(near, medians).map { $0 ? typical / $1 : 0 }) ?? Shares.equal(count)
        for _ in 0..<iterations {
            // Where the point meets an update, that one's weight would be infinite.
            let away = distancesToMean(weights, distances, floor: typical * 1e-9)
            let next = Shares.normalised(zip(near, away).map { $0 ? typical / $1 : 0 }) ?? weights
            let step = length(of: zip(next, weights).map { $0 - $1 }, distances)
            weights = next
            if step <= tolerance * typical { break }
        }
        return weights
    }

    private func distancesToMean(_ weights: [Double], _ distances: PairwiseDistances, floor: Double) -> [Double] {
        let rows = weights.indices.map { row in
            weights.indices.reduce(0.0) { $0 + weights[$1] * distances[row, $1] }
        }
        let spread = zip(weights, rows).reduce(0.0) { $0 + $1.0 * $1.1 } / 2
        return rows.map { max(max($0 - spread, 0).squareRoot(), floor) }
    }

    /// |Σ d_k w_k| where the d sum to 0.
    private func length(of change: [Double], _ distances: PairwiseDistances) -> Double {
        var sum = 0.0
        for row in change.indices {
            for column in change.indices { sum -= change[row] * change[column] * distances[row, column] }
        }
        return max(sum / 2, 0).squareRoot()
    }
}
