import ECLMCore

/// The mean of the m updates that lie closest to their neighbours; with m = 1 Krum itself (Blanchard et al., 2017).
///
/// An update's score is the sum of its squared distances to its n - f - 2 nearest neighbours; of equal scores the older
/// update wins.
public struct Krum: AggregationRule {
    /// Updates that may be arbitrarily wrong.
    public let faulty: Int
    /// Updates to select; `nil` for Krum.
    public let selected: Int?
    /// Whether the selector learns, too.
    public var trainsSelector: Bool

    /// The rule.
    ///
    /// - Throws: ``TrainerError`` with `invalidPolicy` for a number below 0, or nothing to select.
    public init(faulty: Int, selected: Int? = nil, trainsSelector: Bool = false) throws(TrainerError) {
        guard (0...1024).contains(faulty), (1...1024).contains(selected ?? 1) else {
            throw TrainerError(.invalidPolicy, "Krum's f must lie in 0...1024 and m in 1...1024")
        }
        self.faulty = faulty
        self.selected = selected
        self.trainsSelector = trainsSelector
    }

    /// `krum` or `multi_krum`, with `_selector` when that learns.
    public var name: String { (selected == nil ? "krum" : "multi_krum") + (trainsSelector ? "_selector" : "") }
    /// Everything but, unless told otherwise, the selector.
    public func trains(_ kind: ModuleKind) -> Bool { kind != .selector || trainsSelector }
    /// The bounds of the guarantee: n >= 2f + 3, and m <= n - f - 2.
    public var minimumContributions: Int { max(2 * faulty + 3, (selected ?? 1) + faulty + 2) }
    /// By distances.
    public var method: AggregationMethod { .distanceWeighted { weights(of: $0, $1) } }

    /// 1/m for the selected, 0 for the others.
    func weights(of contributions: [Contribution], _ distances: PairwiseDistances) -> [Double] {
        let count = contributions.count
        let neighbours = max(1, count - faulty - 2)
        let scores = (0..<count).map { update in
            (0..<count).filter { $0 != update }.map { distances[update, $0] }.sorted().prefix(neighbours).reduce(0, +)
        }
        let order = (0..<count).sorted { (scores[$0], $0) < (scores[$1], $1) }
        let taken = order.prefix(selected ?? 1)
        var weights = [Double](repeating: 0, count: count)
        for update in taken { weights[update] = 1 / Double(taken.count) }
        return weights
    }
}
