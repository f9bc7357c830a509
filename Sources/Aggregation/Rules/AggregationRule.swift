public import ECLMCore

/// Decides what becomes of the updates of a module; the arithmetic over weights is the engine's.
///
/// A rule is one file: its definition for policies, its parameters, and its method, which is one of a few kinds that
/// differ in what the engine must read for it (see ``AggregationMethod``). ``PolicyVocabulary`` lists those there are.
public protocol AggregationRule: Sendable {
    /// What policies say of it: name, parameters, help text.
    static var definition: MethodDefinition { get }
    /// The most updates a round may take with it: rules that compare updates pairwise hold one number for each pair.
    static var maximumUpdates: Int { get }
    /// Whether it keeps each device's part private: then nothing but that part may depend on what a device sent, and its
    /// method is ``AggregationMethod/wholeUpdates(_:)``.
    static var isPrivate: Bool { get }

    /// The rule with parameters.
    ///
    /// - Parameter values: Checked against the ``definition``.
    init(_ values: ParameterValues)

    /// What rounds record of it: its name, or one that says more. Lower-case letters, digits and `_`, at most 55.
    var recordedName: String { get }

    /// The fewest contributions that the rule makes something of. A module with fewer keeps its version: it is better not
    /// to learn than to learn from few updates without the protection that the rule was chosen for.
    var minimumContributions: Int { get }

    /// The fewest updates, and the fewest devices that they come from, of a round, unless a policy says otherwise: a median of
    /// one device's updates protects from nobody.
    var requiredUpdates: Int { get }

    /// Whether a part of the updates can be aggregated first and count as one update: a weighted mean whose weights are
    /// shares of importances, or of sample counts, so that a partial aggregate weighs what its updates weigh together.
    var mergesPartials: Bool { get }

    /// How the new version comes from the updates.
    ///
    /// Functions in it must depend on their arguments alone, so that a round can be computed again.
    var method: AggregationMethod { get }
}

extension AggregationRule {
    /// As many as a round can claim.
    public static var maximumUpdates: Int { 65_536 }
    /// No.
    public static var isPrivate: Bool { false }
    /// The name in policies.
    public var recordedName: String { Self.definition.name }
    /// One is enough.
    public var minimumContributions: Int { 1 }
    /// One is enough.
    public var requiredUpdates: Int { 1 }
    /// No: most rules must see every update by itself.
    public var mergesPartials: Bool { false }

    /// The rule with parameters by name.
    ///
    /// - Throws: ``AggregationError`` with `invalidPolicy` for a parameter that it does not have, one outside its range, and
    ///   one that is missing.
    public init(parameters: [String: Double]) throws(AggregationError) {
        self.init(
            try ParameterValues(
                parameters, against: Self.definition.parameters, of: "rule \(Self.definition.name)"))
    }
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

    /// Made of whole updates, all their modules together, each bounded by the mechanism, with noise: nothing can be made of
    /// one module alone.
    case wholeUpdates(PrivacyMechanism)
}

/// What a rule may know of one update's part in a module.
public struct Contribution: Sendable, Hashable {
    /// The module's mean selector score over the device's data (paper section 2): finite, at least 0.
    public var importance: Double
    /// Samples the module was trained on, at least 1.
    public var sampleCount: Int64
    /// How many releases the update is behind the one that the round starts from, at least 0.
    public var staleness: Int

    public init(importance: Double, sampleCount: Int64, staleness: Int = 0) {
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
