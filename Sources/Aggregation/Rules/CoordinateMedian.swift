/// The median of each coordinate, the mean of the middle two where their number is even (Yin et al., 2018): holds while
/// less than half of the updates are wrong.
public struct CoordinateMedian: AggregationRule {
    public static let definition = MethodDefinition("median", "the median of each coordinate")

    public init() {}
    public init(_ values: ParameterValues) {}

    /// Of two it is their mean, and one is wrong of three.
    public var requiredUpdates: Int { 3 }

    /// Leaves out all but the middle one or two.
    public var method: AggregationMethod { .trimmed { ($0 - 1) / 2 } }
}
