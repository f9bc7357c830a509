/// The mean of each coordinate without its smallest and largest values (Yin et al., 2018).
public struct TrimmedMean: AggregationRule {
    public static let definition = MethodDefinition(
        "trimmed_mean", "the mean of each coordinate without its smallest and largest values", [share])

    private static let share = Parameter(
        "fraction", 0...0.4999, standard: 0.1, "share of the values left out at each end of a coordinate")

    /// The share of the values left out at each end, 0 to below 0.5; the number is rounded down, so with fewer updates
    /// than 1 / fraction nothing is left out.
    public let fraction: Double

    public init(_ values: ParameterValues) {
        fraction = values.number(Self.share)
    }

    /// - Throws: ``AggregationError`` with `invalidPolicy` for a fraction outside 0..<0.5.
    public init(fraction: Double) throws(AggregationError) {
        try self.init(parameters: [Self.share.name: fraction])
    }

    /// Fewer have no ends and a middle.
    public var requiredUpdates: Int { 3 }

    /// Leaves out the share at each end.
    public var method: AggregationMethod { .trimmed { [fraction] in Int(fraction * Double($0)) } }
}
