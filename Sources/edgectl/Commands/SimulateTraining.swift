import ArgumentParser
import CommandSupport
import ECLMCore
import EdgeClient

struct SimulateTraining: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pretend to train: add noise to a sub-model's weights. For demonstrations and drills only.",
        discussion: """
            Nothing is learned. Every floating-point weight gets Gaussian noise of the given standard deviation; the same \
            seed gives the same bytes. The output directory can be submitted.

            Example:
              edgectl simulate-training --sub-model sub-models/vision --out trained --seed 7 --scale 0.01
              edgectl submit --sub-model sub-models/vision --weights trained --samples 100

            \(ExitStatus.help)
            """)

    @Option(name: .long, help: ArgumentHelp("The pulled sub-model.", valueName: "directory"))
    var subModel: String

    @Option(name: .long, help: ArgumentHelp("Where to write the changed weights.", valueName: "directory"))
    var out: String

    @Option(name: .long, help: "The noise's seed.")
    var seed: UInt64

    @Option(name: .long, help: "The noise's standard deviation.")
    var scale: Double

    @Option(name: .long, help: "Train the modules of this layer alone; several may be given. Default: every module.")
    var layer: [Int] = []

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard scale.isFinite, scale >= 0 else { throw ValidationError("--scale takes a number of at least 0") }
    }

    func run() async throws {
        try await runCommand(global) { output in
            let manifest = try SubModelManifest(directory: subModel)
            if let missing = layer.first(where: { layer in !manifest.modules.contains { $0.slot.layer == layer } }) {
                throw CommandFailure(.notFound, "the sub-model in \(subModel) has no layer \(missing)")
            }
            let training = SimulatedTraining(seed: seed, scale: scale, layers: layer.isEmpty ? nil : Set(layer))
            let written = try training.run(manifest: manifest, directory: subModel, out: out)
            let report = Report(simulated: true, modules: written, directory: out, seed: seed, scale: scale)
            try output.result(report) { _ in
                "simulated training of \(written) modules in \(out): noise of \(scale), nothing was learned\n"
            }
        }
    }

    private struct Report: Encodable {
        var simulated: Bool
        var modules: Int
        var directory: String
        var seed: UInt64
        var scale: Double
    }
}
