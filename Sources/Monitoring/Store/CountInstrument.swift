import CoreMetrics
import Synchronization

/// Grows.
final class CountInstrument: Instrument, CounterHandler {
    private let count = Mutex<Int64>(0)
    let kind = "counter"

    func increment(by amount: Int64) {
        count.withLock { count in
            let (sum, overflow) = count.addingReportingOverflow(max(0, amount))
            count = overflow ? .max : sum
        }
    }

    func reset() { count.withLock { $0 = 0 } }

    func lines(of series: MetricsStore.Series) -> [String] { [series.line("\(count.withLock { $0 })")] }
}
