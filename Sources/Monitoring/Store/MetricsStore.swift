public import CoreMetrics
import Synchronization

/// What the program counts and measures, for a scraper: a backend of swift-metrics.
///
///     let store = MetricsStore()
///     MetricsSystem.bootstrap(store)
///     // store.text: everything in Prometheus' text format
///
/// Instruments of one label and the same dimensions are one series, however often they are made.
public final class MetricsStore: MetricsFactory, Sendable {
    /// The most series that are kept. What is made beyond them is not exported, but counted in
    /// `eclm_metrics_series_dropped_total`.
    public static let maximumSeries = 10_000

    /// A series' name and dimensions.
    struct Series: Hashable, Sendable {
        /// As Prometheus spells it.
        var name: String
        /// Names and values, ready to be written between braces; empty without dimensions.
        var labels: String

        init(_ label: String, _ dimensions: [(String, String)]) {
            name = Self.spelled(label)
            labels = dimensions.map { "\(Self.spelled($0))=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        }

        /// A name of letters, digits and `_` that does not begin with a digit.
        private static func spelled(_ name: String) -> String {
            let letters = name.unicodeScalars.map { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || scalar == "_" || ("0"..."9").contains(scalar))
                    ? Character(scalar) : "_"
            }
            let text = String(letters)
            return text.first.map(\.isNumber) == false ? text : "_" + text
        }

        private static func escaped(_ value: String) -> String {
            value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }
    }

    private struct State {
        var instruments: [Series: any Instrument] = [:]
        var dropped: Int64 = 0
    }

    private let state = Mutex(State())

    /// A store without series.
    public init() {}

    private func instrument<I: Instrument>(
        _ label: String, _ dimensions: [(String, String)], _ make: () -> I
    ) -> I {
        let series = Series(label, dimensions)
        return state.withLock { state in
            if let known = state.instruments[series] as? I { return known }
            let new = make()
            // One of another kind under the name, or one too many: it counts for nobody.
            guard state.instruments[series] == nil, state.instruments.count < Self.maximumSeries else {
                state.dropped += 1
                return new
            }
            state.instruments[series] = new
            return new
        }
    }

    private func forget(_ handler: AnyObject) {
        state.withLock { state in
            guard let series = state.instruments.first(where: { $0.value === handler })?.key else { return }
            state.instruments[series] = nil
        }
    }

    /// A series that only grows.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        instrument(label, dimensions, CountInstrument.init)
    }

    /// A value that goes up and down.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        instrument(label, dimensions, ValueInstrument.init)
    }

    /// The last value, or the distribution of all where they are to be aggregated.
    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        aggregate
            ? instrument(label, dimensions) { DistributionInstrument(bounds: DistributionInstrument.powers) }
            : instrument(label, dimensions, ValueInstrument.init)
    }

    /// The distribution of durations, in seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        instrument(label, dimensions) { DistributionInstrument(bounds: DistributionInstrument.seconds) }
    }

    /// Ends a series.
    public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    /// Ends a series.
    public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    /// Ends a series.
    public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    /// Ends a series.
    public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    /// Every series in Prometheus' text format, version 0.0.4, in the order of their names.
    public var text: String {
        let (instruments, dropped) = state.withLock { ($0.instruments, $0.dropped) }
        var lines: [String] = []
        var last: String?
        for (series, instrument) in instruments.sorted(by: {
            ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels)
        }) {
            if series.name != last {
                lines.append("# TYPE \(series.name) \(instrument.kind)")
                last = series.name
            }
            lines += instrument.lines(of: series)
        }
        lines.append("# TYPE eclm_metrics_series_dropped_total counter")
        lines.append("eclm_metrics_series_dropped_total \(dropped)")
        return lines.joined(separator: "\n") + "\n"
    }
}
