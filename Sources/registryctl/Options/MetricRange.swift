import ArgumentParser
import ECLMCore

/// `LOW..HIGH` on the command line: two finite numbers.
struct MetricRange: ExpressibleByArgument, Hashable, Sendable {
    var range: ClosedRange<Double>

    init(_ range: ClosedRange<Double>) { self.range = range }

    init?(argument: String) {
        guard let dots = argument.firstRange(of: ".."), let low = Quantity.number(argument[..<dots.lowerBound]),
            let high = Quantity.number(argument[dots.upperBound...]), low < high
        else { return nil }
        range = low...high
    }

    var defaultValueDescription: String {
        "\(Figure.number(range.lowerBound))..\(Figure.number(range.upperBound))"
    }
}
