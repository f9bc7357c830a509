import Core

/// Decides how much each update counts in a module's new version; the sum itself is the engine's
/// (``ModuleAccumulator``).
public protocol AggregationRule: Sendable {
    /// The rule's name in `eclm.rounds.rule`: lower-case letters, digits and `_`, at most 64.
    var name: String { get }

    /// Whether modules of this kind learn from updates. Weights that devices send for other kinds are ignored: the
    /// module keeps its version, and no contribution is recorded.
    func trains(_ kind: ModuleKind) -> Bool

    /// What each contribution weighs in the sum: at least 0, together 1, in the order of `contributions`.
    ///
    /// Must depend on nothing else, so that a round can be computed again.
    /// - Parameters:
    ///   - contributions: at least one, in ascending order of updates.
    ///   - kind: the module's.
    func weights(of contributions: [Contribution], kind: ModuleKind) -> [Double]
}

/// What a rule may know of one update's part in a module.
public struct Contribution: Sendable, Hashable {
    /// The update.
    public var updateID: UpdateID
    /// The module's mean selector score over the device's data (paper section 2): finite, at least 0.
    public var importance: Double
    /// Samples the module was trained on, at least 1.
    public var sampleCount: Int64

    /// A contribution from its parts.
    public init(updateID: UpdateID, importance: Double, sampleCount: Int64) {
        self.updateID = updateID
        self.importance = importance
        self.sampleCount = sampleCount
    }
}
