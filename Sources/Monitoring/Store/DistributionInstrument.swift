import CoreMetrics
import Synchronization

/// How many values lay below each of some bounds.
final class DistributionInstrument: Instrument, TimerHandler, RecorderHandler {
    /// From a composition to a round of everything.
    static let seconds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
    ]
    /// For values of which nothing is known.
    static let powers: [Double] = (0...10).map { Double(1 << (3 * $0)) }

    private struct State {
        /// Values at most as large as each bound and larger than the one before, and those beyond all.
        var counts: [Int64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>
    let kind = "histogram"

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: [Int64](repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let place = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[place] += 1
            state.sum += value
        }
    }

    func lines(of series: MetricsStore.Series) -> [String] {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var lines: [String] = []
        var total: Int64 = 0
        for (bound, count) in zip(bounds, counts) {
            total += count
            lines.append(series.line("\(total)", suffix: "_bucket", "le=\"\(Self.text(bound))\""))
        }
        total += counts[bounds.count]
        return lines + [
            series.line("\(total)", suffix: "_bucket", "le=\"+Inf\""),
            series.line(Self.text(sum), suffix: "_sum"),
            series.line("\(total)", suffix: "_count"),
        ]
    }

    /// A number as Prometheus reads it.
    static func text(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}
