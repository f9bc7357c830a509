public import ArgumentParser
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
