import ECLMCore

/// Decides what becomes of the updates of a module; the arithmetic over weights is the engine's.
///
/// A rule is one of a few kinds, which differ in what the engine must read for it: see ``AggregationMethod``.
public protocol AggregationRule: Sendable {
    /// The rule's name in `eclm.rounds.rule`: lower-case letters, digits and `_`, at most 64.
    var name: String { get }

    /// Whether modules of this kind learn from updates. Weights that devices send for other kinds are ignored: the
    /// module keeps its version, and no contribution is recorded.
    func trains(_ kind: ModuleKind) -> Bool

    /// The fewest contributions that the rule makes something of. A module with fewer keeps its version: it is better not
    /// to learn than to learn from few updates without the protection that the rule was chosen for.
    var minimumContributions: Int { get }

    /// Whether a part of the updates can be aggregated first and count as one update: a weighted mean whose weights are
    /// shares of importances, or of sample counts, so that a partial aggregate weighs what its updates weigh together.
    var mergesPartials: Bool { get }

    /// How the new version comes from the updates.
    ///
    /// Functions in it must depend on their arguments alone, so that a round can be computed again.
    var method: AggregationMethod { get }
}

extension AggregationRule {
    /// One is enough.
    public var minimumContributions: Int { 1 }
    /// No: most rules must see every update by itself.
    public var mergesPartials: Bool { false }
}

/// How a module's new version comes from the updates, which are always in ascending order of their numbers.
public enum AggregationMethod: Sendable {
    /// A weighted sum: one pass over each update. The weights are at least 0 and sum to 1, in the order of the updates.
    case weightedSum(@Sendable ([Contribution], ModuleKind) -> [Double])

    /// A weighted sum whose weights follow from how far the updates are apart: a pass over all for the distances, and
    /// one more for the sum.
    case distanceWeighted(@Sendable ([Contribution], PairwiseDistances) -> [Double])

    /// The mean of each coordinate's values without so many of the smallest and as many of the largest: less than half of
    /// as many as there are updates. Every contribution weighs the same in the lineage.
    case trimmed(@Sendable (Int) -> Int)

    /// A function of all values of one coordinate, at least one and all finite, which it may reorder. Every contribution
    /// weighs the same in the lineage.
    case coordinatewise(@Sendable (UnsafeMutableBufferPointer<Double>) -> Double)

    /// Made of whole updates, all their modules together, by the round itself: nothing can be made of one module alone.
    case wholeUpdates
}

/// What a rule may know of one update's part in a module.
public struct Contribution: Sendable, Hashable {
    public var updateID: UpdateID
    /// The module's mean selector score over the device's data (paper section 2): finite, at least 0.
    public var importance: Double
    /// Samples the module was trained on, at least 1.
    public var sampleCount: Int64
    /// How many releases the update is behind the one that the round starts from, at least 0.
    public var staleness: Int

    public init(updateID: UpdateID, importance: Double, sampleCount: Int64, staleness: Int = 0) {
        self.updateID = updateID
        self.importance = importance
        self.sampleCount = sampleCount
        self.staleness = staleness
    }
}

/// The squared Euclidean distances of a module's updates to each other, over all its floating-point values.
public struct PairwiseDistances: Sendable, Hashable {
    /// The most that is told of a distance: sums over all pairs stay finite.
    static let largest = 1e300

    /// The number of updates.
    public let count: Int
    private var squares: [Double]

    /// No distance between `count` updates yet.
    init(count: Int) {
        self.count = count
        squares = [Double](repeating: 0, count: count * count)
    }

    /// The squared distance between two updates: finite, at least 0, and 0 for an update and itself.
    public internal(set) subscript(first: Int, second: Int) -> Double {
        get { squares[first * count + second] }
        set {
            squares[first * count + second] = min(newValue, Self.largest)
            squares[second * count + first] = min(newValue, Self.largest)
        }
    }
}
