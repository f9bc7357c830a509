import ArgumentParser
import Learning

/// When the device adapts again.
struct DriftOptions: ParsableArguments {
    @Flag(name: .long, help: "Stay: look at the data file again and again, and adapt when its data drifted.")
    var watchDrift = false

    @Flag(name: .long, help: "With --watch-drift: adapt at every change of the file, drift or not.")
    var everyChange = false

    @Option(name: .long, help: ArgumentHelp("Look at the file so often.", valueName: "seconds"))
    var interval: Double = 10

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The probability, at most, that a look at unchanged data takes it for drift.", valueName: "rate"))
    var falseAlarms: Double = 0.01

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Neighbouring examples that are alike, such as overlapping windows; the test takes them together.",
            valueName: "count"))
    var block: Int = 1

    @Option(
        name: .long,
        help: ArgumentHelp("End after so many adaptations. Default: never.", valueName: "count"))
    var adaptations: Int?

    func validate() throws {
        guard interval.isFinite, interval >= 0.05, interval <= 86_400 else {
            throw ValidationError("--interval takes seconds from 0.05 to 86400, not \(interval)")
        }
        guard (0.0001...0.5).contains(falseAlarms) else {
            throw ValidationError("--false-alarms takes a rate from 0.0001 to 0.5, not \(falseAlarms)")
        }
        guard (1...10_000).contains(block) else {
            throw ValidationError("--block takes 1 to 10000, not \(block)")
        }
        guard adaptations.map({ $0 >= 1 }) ?? true else { throw ValidationError("--adaptations takes at least 1") }
    }

    var detector: DriftDetector {
        // Enough deals to show a third of the rate: three signals share it.
        DriftDetector(
            falseAlarmRate: falseAlarms, permutations: max(1999, Int((10 / falseAlarms).rounded(.up))),
            block: block)
    }
}
