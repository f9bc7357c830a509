/// One series.
protocol Instrument: AnyObject, Sendable {
    /// Prometheus' word for it.
    var kind: String { get }
    /// Its lines of the text format.
    func lines(of series: MetricsStore.Series) -> [String]
}

extension MetricsStore.Series {
    /// One line: the name with a suffix, the dimensions and one more, and the value.
    func line(_ value: String, suffix: String = "", _ more: String = "") -> String {
        let all = [labels, more].filter { !$0.isEmpty }.joined(separator: ",")
        return "\(name)\(suffix)\(all.isEmpty ? "" : "{\(all)}") \(value)"
    }
}
