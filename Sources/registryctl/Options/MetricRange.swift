import ArgumentParser

/// `LOW..HIGH` on the command line: two finite numbers.
struct MetricRange: ExpressibleByArgument, Hashable, Sendable {
    var range: ClosedRange<Double>

    init(_ range: ClosedRange<Double>) { self.range = range }

    init?(argument: String) {
        guard let dots = argument.firstRange(of: ".."), let low = Double(argument[..<dots.lowerBound]),
            let high = Double(argument[dots.upperBound...]), low.isFinite, high.isFinite, low < high
        else { return nil }
        range = low...high
    }

    var defaultValueDescription: String {
        "\(Figure.number(range.lowerBound))..\(Figure.number(range.upperBound))"
    }
}
