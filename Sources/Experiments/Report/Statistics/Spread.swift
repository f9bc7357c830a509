import Plots

/// Mean and standard deviation over seeds.
public struct Spread: Sendable, Hashable {
    public let mean: Double
    /// The sample standard deviation (n - 1); absent for a single value.
    public let deviation: Double?
    /// How many values there were.
    public let count: Int

    /// The spread of at least one value.
    public init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        count = values.count
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil
    }

    /// Shares of 1 as points: `90.12 ± 0.34`.
    var points: String { text { NumberText.fixed($0 * 100, 2) } }

    /// Differences of shares as points, with their sign: `+1.20 ± 0.30`.
    var signedPoints: String {
        let text = NumberText.fixed(mean * 100, 2)
        return (text.hasPrefix("-") ? "" : "+") + text
            + (deviation.map { " ± " + NumberText.fixed($0 * 100, 2) } ?? "")
    }

    private func text(_ number: (Double) -> String) -> String {
        number(mean) + (deviation.map { " ± " + number($0) } ?? "")
    }
}
