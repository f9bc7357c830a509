#if ECLM_LEARNING
    import ArgumentParser
    import Learning

    extension TrainingSettings.Optimization: ExpressibleByArgument {}

    /// How a sub-model is trained on the device.
    struct TrainingOptions: ParsableArguments {
        @Option(name: .long, help: "How often to go through the data.")
        var epochs: Int = 3

        @Option(name: .long, help: "Examples a step.")
        var batch: Int = 16

        @Option(name: .long, help: "The learning rate.")
        var rate: Float = 1e-3

        @Option(name: .long, help: "What makes steps of gradients: adam or sgd.")
        var optimizer: TrainingSettings.Optimization = .adam

        @Option(
            name: .long,
            help: ArgumentHelp(
                "The part of the examples, the newest of each class, that is only measured on.", valueName: "part"))
        var heldOut: Double = 0.2

        @Option(name: .long, help: "What the order of the examples follows from.")
        var seed: UInt64 = 0

        @Flag(name: .long, help: "Train the selector, too; importances of devices are then no longer comparable.")
        var trainSelector = false

        func validate() throws {
            guard (1...10_000).contains(epochs) else {
                throw ValidationError("--epochs takes 1 to 10000, not \(epochs)")
            }
            guard (1...65_536).contains(batch) else { throw ValidationError("--batch takes 1 to 65536, not \(batch)") }
            guard rate.isFinite, rate > 0 else { throw ValidationError("--rate takes a number above 0, not \(rate)") }
            guard (0...0.9).contains(heldOut) else {
                throw ValidationError("--held-out takes a part from 0 to 0.9, not \(heldOut)")
            }
        }

        func settings() throws -> LocalTrainingSettings {
            LocalTrainingSettings(
                training: try TrainingSettings(
                    epochs: epochs, batch: batch, rate: rate, optimization: optimizer, freezesSelector: !trainSelector
                ).validated(),
                heldOutShare: heldOut)
        }
    }

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
#endif
