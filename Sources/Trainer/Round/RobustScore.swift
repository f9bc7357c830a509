/// How far a value lies above the others, in robust standard deviations: 1.4826 times the median absolute deviation,
/// which outliers do not move while they are fewer than half (Rousseeuw and Croux, 1993).
struct RobustScore {
    /// The median of the values.
    let median: Double
    /// The standard deviation of normal values with their median absolute deviation, at least ``floor`` of the median.
    let deviation: Double

    /// The least deviation, as a share of the median: among values that are all but equal, small differences are none.
    static let floor = 0.01

    /// The scores of a population of at least one finite value, all at least 0.
    init(_ population: [Double]) {
        let median = Self.median(population)
        self.median = median
        // No population here has a negative value: only that of zeros has no scale of its own.
        deviation = max(
            1.4826 * Self.median(population.map { abs($0 - median) }), Self.floor * median, .leastNormalMagnitude)
    }

    /// The score of a value.
    func callAsFunction(_ value: Double) -> Double { (value - median) / deviation }

    /// The mean of the middle two of an even number.
    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
        return low + (high - low) / 2
    }
}
