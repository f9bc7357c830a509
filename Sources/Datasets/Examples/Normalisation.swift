/// The mean and the deviation of each channel, a channel being an index into an example's outermost extent.
public struct Normalisation: Sendable, Hashable, Codable {
    /// What is subtracted from each channel's values.
    public let mean: [Float]
    /// What they are divided by then; 1 for a channel that does not vary.
    public let deviation: [Float]

    /// From sums over a number of values, per channel.
    init(count: Double, sums: [Double], squares: [Double]) {
        let means = sums.map { $0 / count }
        mean = means.map { Float($0) }
        deviation = zip(means, squares).map { mean, square in
            let variance = square / count - mean * mean
            return variance > 1e-10 ? Float(variance.squareRoot()) : 1
        }
    }
}
