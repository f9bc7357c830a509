import ArgumentParser

/// A span of time on the command line: `90s`, `30m`, `24h` or `7d`.
struct TimeSpan: ExpressibleByArgument, Hashable, Sendable {
    var seconds: Int64

    init(_ duration: Duration) { seconds = duration.components.seconds }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = argument.last.flatMap({ units[$0] }), let number = Int64(argument.dropLast()), number >= 0
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow, product <= 3650 * 86_400 else { return nil }
        seconds = product
    }

    var duration: Duration { .seconds(seconds) }

    var defaultValueDescription: String {
        for (unit, length) in [("d", Int64(86_400)), ("h", 3600), ("m", 60)] where seconds > 0 && seconds % length == 0
        {
            return "\(seconds / length)\(unit)"
        }
        return "\(seconds)s"
    }
}
