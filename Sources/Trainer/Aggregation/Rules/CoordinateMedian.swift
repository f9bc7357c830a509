import Core

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
    /// Coordinate by coordinate.
    public var method: AggregationMethod { .coordinatewise(Self.median) }

    @Sendable static func median(_ values: UnsafeMutableBufferPointer<Double>) -> Double {
        var values = values
        values.sort()
        let middle = values.count / 2
        return values.count.isMultiple(of: 2) ? (values[middle - 1] + values[middle]) / 2 : values[middle]
    }
}
