import CoreMetrics
import Synchronization

/// Goes up and down.
final class ValueInstrument: Instrument, MeterHandler, RecorderHandler {
    private let value = Mutex<Double>(0)
    let kind = "gauge"

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    func lines(of series: MetricsStore.Series) -> [String] {
        [series.line(DistributionInstrument.text(value.withLock { $0 }))]
    }
}
