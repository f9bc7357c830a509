@testable import Plots
import Testing

@Suite("Plots")
struct PlotTests {
    private let style = LineChart.Style(.blue)

    private func chart(_ series: [LineChart.Series], x: PlotAxis = PlotAxis("round"), title: String = "A chart")
        -> LineChart
    {
        LineChart(title: title, x: x, y: PlotAxis("accuracy", unit: .percent), series: series)
    }

    @Test("A chart is well-formed XML whatever its texts hold")
    func hostileTexts() {
        let label = "a < b & \"c\" > 'd' \u{1}\u{FFFE}\n]]> é"
        let points = [LineChart.Point(x: 0, y: 10, spread: 1), LineChart.Point(x: 1, y: 20, spread: 2)]
        let svg = chart([LineChart.Series(label, style: style, shape: .line(points))], title: label).svg
        let reading = XMLReading(svg)
        #expect(reading.problem == nil)
        #expect(reading.texts.contains { $0.contains("a < b & \"c\" > 'd'  ]]> é") })
    }

    @Test("The same chart gives the same bytes")
    func deterministic() {
        let points = (0..<50).map { LineChart.Point(x: Double($0), y: Double($0 * $0), spread: 3) }
        let chart = chart([LineChart.Series("a", style: style, shape: .line(points))])
        #expect(chart.svg == chart.svg)
    }

    @Test("Points that have no place are left out, and a chart without any says so")
    func pointsWithoutPlace() {
        let points = [
            LineChart.Point(x: 0, y: 10), LineChart.Point(x: .nan, y: 1), LineChart.Point(x: 5, y: .infinity),
        ]
        let series = [LineChart.Series("a", style: style, shape: .line(points))]
        let svg = chart(series, x: PlotAxis("bytes", unit: .bytes, kind: .logarithmic)).svg
        #expect(svg.contains("no data"))
        #expect(!svg.lowercased().contains("nan") && !svg.contains("inf"))
        #expect(XMLReading(svg).problem == nil)
    }

    @Test(
        "Ticks are round numbers around the values",
        arguments: [
            (0.0, 1.0), (70.3, 93.1), (-3, 17), (5, 5), (0, 0), (1e6, 7.3e6), (0.001, 0.0023), (99.9, 100),
        ])
    func linearTicks(low: Double, high: Double) {
        let scale = PlotScale(.linear, showing: [low, high], wantedTicks: 6)
        #expect(scale.lower <= low && scale.upper >= high)
        #expect((2...12).contains(scale.ticks.count))
        #expect(scale.share(low) >= 0 && scale.share(high) <= 1)
        #expect(Set(scale.ticks.map { NumberText.fixed($0, scale.decimals) }).count == scale.ticks.count)
    }

    @Test(
        "A logarithmic scale has powers of ten, and more where there are few",
        arguments: [
            (1.0, 1e9), (2e5, 9e6), (3e4, 4e4), (5, 5),
        ])
    func logarithmicTicks(low: Double, high: Double) {
        let scale = PlotScale(.logarithmic, showing: [0, low, high], wantedTicks: 7)
        #expect(scale.ticks.count <= 15)
        #expect(scale.ticks.allSatisfy { (0...1).contains(scale.share($0)) })
        #expect(scale.share(low) < scale.share(max(high, low * 1.2)))
    }

    @Test("Numbers are written as people read them")
    func numbers() {
        #expect(NumberText.bytes(999.6) == "1.00 kB")
        #expect(NumberText.bytes(12) == "12 B")
        #expect(NumberText.bytes(1_234_567) == "1.23 MB")
        #expect(NumberText.bytes(999_600) == "1.00 MB")
        #expect(NumberText.seconds(0.0123) == "12.3 ms")
        #expect(NumberText.seconds(0.000_045) == "45.0 µs")
        #expect(NumberText.seconds(0) == "0 s")
        #expect(NumberText.seconds(300) == "5.00 min")
        #expect(NumberText.count(-1_234_567) == "-1,234,567")
        #expect(NumberText.short(-0.001, 1) == "0")
        #expect(NumberText.short(120, 0) == "120")
        #expect(NumberText.significant(1234, 2) == "1200")
    }

    @Test("A heat map draws every cell of every matrix, dark where it is large")
    func heatMap() {
        let map = HeatMap(
            title: "Gates", columns: ["before", "after"],
            rows: [HeatMap.Row("layer 1", matrices: [[[0, 0.5], [1, 0]], nil])], rowLabels: ["a", "b"],
            columnTitle: "module", valueTitle: "mean gate")
        let svg = map.svg
        #expect(XMLReading(svg).problem == nil)
        let cells = { (level: Int) in
            svg.split(separator: "\n").filter { $0.contains("<path class=\"h\(level)\"") }
                .reduce(0) { $0 + $1.filter { $0 == "M" }.count }
        }
        #expect(cells(0) == 2)
        #expect(cells(8) == 1)
        #expect(cells(15) == 1)
    }
}
