/// Weights that sum to 1.
enum Shares {
    /// Shares of 1; `nil` when all values are zero. Scaled by the largest first: finite values may have an infinite sum.
    static func normalised(_ values: [Double]) -> [Double]? {
        guard let largest = values.max(), largest > 0 else { return nil }
        let scaled = values.map { $0 / largest }
        let sum = scaled.reduce(0, +)
        return scaled.map { $0 / sum }
    }

    /// By sample counts.
    static func ofSamples(_ contributions: [Contribution]) -> [Double] {
        normalised(contributions.map { Double($0.sampleCount) }) ?? []
    }

    /// The same share for each.
    static func equal(_ count: Int) -> [Double] {
        [Double](repeating: 1 / Double(count), count: count)
    }
}
