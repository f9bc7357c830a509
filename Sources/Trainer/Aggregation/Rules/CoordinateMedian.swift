import ECLMCore

/// The median of each coordinate, the mean of the middle two where their number is even (Yin et al., 2018): holds while
/// less than half of the updates are wrong.
public struct CoordinateMedian: AggregationRule {
    /// Whether the selector learns, too.
    public var trainsSelector: Bool

    /// The rule.
    public init(trainsSelector: Bool = false) { self.trainsSelector = trainsSelector }

    /// `median`, or `median_selector`.
    public var name: String { trainsSelector ? "median_selector" : "median" }
    /// Everything but, unless told otherwise, the selector.
    public func trains(_ kind: ModuleKind) -> Bool { kind != .selector || trainsSelector }
    /// Leaves out all but the middle one or two.
    public var method: AggregationMethod { .trimmed { ($0 - 1) / 2 } }
}
