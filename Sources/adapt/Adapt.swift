import Adaptation
import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient
import Learning

/// The device's program that learns. `edgectl adapt` hands over to it.
@main
struct Adapt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapt",
        abstract: "Adapt a sub-model to this device's data, and submit what it learned.",
        discussion: """
            Fetches the selector alone and scores the data with it, asks for the sub-model that serves the data best \
            within the budget, fetches what the device does not hold, trains it, measures it on held-out examples \
            before and after, and submits the modules that changed. Interrupted at any point, the same command goes \
            on: what arrived is not fetched again, and an update is never counted twice. Nothing is submitted when \
            training diverges.

            Smaller subsets of the held modules are kept: with --offline the device switches to the best one within \
            a smaller budget, without the network. With --watch-drift it stays and adapts again when its data \
            changes.

            Examples:
              adapt --model har-mlp --data day-1.safetensors --memory 256KiB
              adapt --model har-mlp --data live.safetensors --memory 256KiB --watch-drift
              adapt --model har-mlp --offline --memory 128KiB

            \(ExitStatus.help)
            """,
        version: ECLM.version)

    @Option(name: .long, help: "The model's name.")
    var model: String

    @Option(name: .long, help: "The channel whose release to start from.")
    var channel: String = "stable"

    @Option(
        name: .long,
        help: ArgumentHelp(
            "This device's examples: a safetensors file with values [n, shape...] and labels [n], oldest first.",
            valueName: "file"))
    var data: String?

    @OptionGroup var limits: BudgetOptions
    @OptionGroup var training: TrainingOptions
    @OptionGroup var drift: DriftOptions

    @Option(name: .long, help: "At least this many modules in every layer.")
    var minimumPerLayer: Int32 = 1

    @Option(
        name: .long, help: "How to send what was learned: full, delta, int8_delta or sparse_delta.")
    var encoding: UpdateEncoding = .int8Delta

    @Option(
        name: .long,
        help: ArgumentHelp("With sparse_delta, the part of each module's weights to send.", valueName: "part"))
    var fraction: Double = UpdateEncoder.defaultFraction

    @Option(name: .long, help: "How many sub-models for smaller budgets to keep, the whole included.")
    var subsets: Int = 5

    @Flag(name: .long, help: "Keep what was learned on this device; submit nothing.")
    var keep = false

    @Flag(name: .long, help: "Switch to a held subset within --memory and --flops, without the network.")
    var offline = false

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var global: GlobalOptions

    static func main() async {
        ignoreFileSizeSignal()
        await runProgram(Self.self, Array(CommandLine.arguments.dropFirst()))
    }

    func validate() throws {
        guard offline || data != nil else { throw ValidationError("--data FILE is needed, unless --offline") }
        guard !(offline && drift.watchDrift) else {
            throw ValidationError("--offline and --watch-drift cannot be combined")
        }
        guard fraction > 0, fraction <= 1 else {
            throw ValidationError("--fraction takes a number above 0 and at most 1, not \(fraction)")
        }
        guard (1...64).contains(subsets) else {
            throw ValidationError("--subsets takes 1 to 64, not \(subsets)")
        }
    }

    func run() async throws {
        try await runCommand(global) { output in
            if offline { return try await switchOffline(output) }
            let path = data ?? ""
            let request = try request()
            try await connection.withClient { client in
                let adaptation = DeviceAdaptation(client: client)
                if drift.watchDrift {
                    try await DriftWatch(
                        adaptation: adaptation, request: request, path: path, options: drift, output: output
                    ).run()
                } else {
                    let report = try await Self.adapt(
                        adaptation, request, to: try LocalData.read(path), output)
                    try AdaptDocument(report).print(to: output)
                }
            }
        }
    }

    private func request() throws -> AdaptationRequest {
        AdaptationRequest(
            model: model, channel: channel, budget: limits.budget, minimumPerLayer: minimumPerLayer,
            training: try training.settings(), seed: training.seed, encoding: encoding, fraction: fraction,
            subsets: subsets, submits: !keep)
    }

    static func adapt(
        _ adaptation: DeviceAdaptation, _ request: AdaptationRequest, to data: TrainingData,
        _ output: CommandOutput
    ) async throws -> AdaptationReport {
        let progress = AdaptProgress(output, model: request.model)
        defer { progress.finish() }
        return try await adaptation.adapt(request, to: data) { progress.show($0) }
    }

    private func switchOffline(_ output: CommandOutput) async throws {
        let installed = try InstalledModel(of: model, in: connection.stateOptions.stateDirectory())
        let (subset, changed) = try installed.use(limits.budget)
        try SwitchDocument(installed.model, subset, changed).print(to: output)
    }
}
