import CoreMetrics
import Testing

@testable import Monitoring

@Suite("What is counted, as Prometheus reads it")
struct MetricsStoreTests {
    @Test("has one series for a label and its dimensions, in order, with a type for each name")
    func text() {
        let store = MetricsStore()
        for service in ["b", "a", "a"] {
            store.makeCounter(label: "calls_total", dimensions: [("service", service)]).increment(by: 2)
        }
        store.makeMeter(label: "open", dimensions: []).set(2.5)
        store.makeCounter(label: "calls_total", dimensions: [("service", "a")]).increment(by: -7)
        #expect(
            store.text == """
                # TYPE calls_total counter
                calls_total{service="a"} 4
                calls_total{service="b"} 2
                # TYPE open gauge
                open 2.5
                # TYPE eclm_metrics_series_dropped_total counter
                eclm_metrics_series_dropped_total 0

                """)
    }

    @Test("spells names and dimensions so that a scraper can read them")
    func spelling() {
        let store = MetricsStore()
        store.makeCounter(label: "9 lives.é", dimensions: [("a-b", "q\"\\\n")]).increment(by: 1)
        #expect(store.text.contains(#"_9_lives__{a_b="q\"\\\n"} 1"#), "\(store.text)")
    }

    @Test("counts durations below their bounds, in seconds")
    func durations() {
        let store = MetricsStore()
        let timer = store.makeTimer(label: "took_seconds", dimensions: [("m", "x")])
        for nanoseconds in [50_000, 2_000_000, 2_500_000, 400_000_000_000] as [Int64] {
            timer.recordNanoseconds(nanoseconds)
        }
        let lines = store.text.split(separator: "\n").map(String.init)
        #expect(lines.first == "# TYPE took_seconds histogram")
        for line in [
            #"took_seconds_bucket{m="x",le="0.0001"} 1"#, #"took_seconds_bucket{m="x",le="0.001"} 1"#,
            #"took_seconds_bucket{m="x",le="0.0025"} 3"#, #"took_seconds_bucket{m="x",le="300"} 3"#,
            #"took_seconds_bucket{m="x",le="+Inf"} 4"#, #"took_seconds_count{m="x"} 4"#,
        ] { #expect(lines.contains(line), "\(line)") }
        let sum = lines.first { $0.hasPrefix("took_seconds_sum") }?.split(separator: " ").last.flatMap { Double($0) }
        #expect(abs((sum ?? 0) - 400.00455) < 1e-9)
    }

    @Test("stays bounded, and says what it left out")
    func bounded() {
        let store = MetricsStore()
        for number in 0..<(MetricsStore.maximumSeries + 3) {
            store.makeCounter(label: "n", dimensions: [("i", "\(number)")]).increment(by: 1)
        }
        // One of another kind under a name that is taken counts for nobody.
        store.makeTimer(label: "n", dimensions: [("i", "0")]).recordNanoseconds(1)
        #expect(store.text.contains("eclm_metrics_series_dropped_total 4"))
        let counter = store.makeCounter(label: "n", dimensions: [("i", "1")])
        store.destroyCounter(counter)
        #expect(!store.text.contains("n{i=\"1\"}"))
        store.makeCounter(label: "late", dimensions: []).increment(by: 1)
        #expect(store.text.contains("late 1"))
    }
}
