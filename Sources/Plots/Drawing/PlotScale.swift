import Foundation

/// Maps values to pixels, and says where ticks go.
package struct PlotScale: Sendable, Hashable {
    /// How values are spread along the axis.
    package enum Kind: Sendable, Hashable {
        case linear
        /// Powers of ten at equal distances; only positive values have a place.
        case logarithmic
    }

    let kind: Kind
    let lower: Double
    let upper: Double
    let ticks: [Double]

    /// A scale that shows all of `values` (finite), from a tick to a tick where it is linear.
    init(_ kind: Kind, showing values: [Double], wantedTicks: Int) {
        self.kind = kind
        switch kind {
        case .linear:
            let (low, high) = Self.widened(values.min() ?? 0, values.max() ?? 1)
            let step = Self.step((high - low) / Double(wantedTicks))
            let first = (low / step + 1e-9).rounded(.down)
            let last = max(first + 1, (high / step - 1e-9).rounded(.up))
            ticks = stride(from: first, through: last, by: 1).map { NumberText.rounded($0 * step, Self.decimals(step)) }
            lower = ticks[0]
            upper = ticks[ticks.count - 1]
        case .logarithmic:
            let positive = values.filter { $0 > 0 }
            let low = positive.min() ?? 1
            let high = max(positive.max() ?? 10, low * 1.5)
            lower = low / 1.1
            upper = high * 1.1
            ticks = Self.logarithmicTicks(from: lower, to: upper, wanted: wantedTicks)
        }
    }

    /// Where a value lies between `lower` (0) and `upper` (1).
    func share(_ value: Double) -> Double {
        switch kind {
        case .linear: (value - lower) / (upper - lower)
        case .logarithmic: (log(value) - log(lower)) / (log(upper) - log(lower))
        }
    }

    /// The decimals that a tick's label needs.
    var decimals: Int { ticks.count > 1 ? max(0, Self.decimals(ticks[1] - ticks[0])) : 0 }

    /// A span that is not empty.
    private static func widened(_ low: Double, _ high: Double) -> (Double, Double) {
        guard high - low < 1e-9 * max(1, abs(high)) else { return (low, high) }
        let margin = max(abs(high) * 0.01, 0.5)
        return (low - margin, high + margin)
    }

    /// The step of 1, 2 or 5 times a power of ten next above `raw`.
    private static func step(_ raw: Double) -> Double {
        let power = pow(10, floor(log10(raw)))
        let factor = [1.0, 2, 5, 10].first { $0 * power >= raw * (1 - 1e-9) } ?? 10
        return factor * power
    }

    private static func decimals(_ step: Double) -> Int { max(0, -Int(floor(log10(step) + 1e-9))) }

    private static func logarithmicTicks(from lower: Double, to upper: Double, wanted: Int) -> [Double] {
        let decades = Int(floor(log10(lower)))...Int(ceil(log10(upper)))
        for factors in [[1.0], [1, 3], [1, 2, 5]] {
            var ticks = decades.flatMap { decade in factors.map { $0 * pow(10, Double(decade)) } }
            ticks = ticks.filter { $0 >= lower && $0 <= upper }
            if ticks.count >= 3 || factors.count == 3 {
                let every = (ticks.count - 1) / max(1, wanted * 2) + 1
                return ticks.enumerated().filter { $0.offset % every == 0 }.map(\.element)
            }
        }
        return []
    }
}
