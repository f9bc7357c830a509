import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient

/// What to compose.
struct PullOptions: ParsableArguments {
    @Option(name: .long, help: "The model's name.")
    var model: String

    @Option(name: .long, help: "The channel whose release to use.")
    var channel: String = "stable"

    @OptionGroup var limits: BudgetOptions

    @Option(
        name: .long,
        help: ArgumentHelp(#"The device's importances: {"layers": [[0.1, …], …]}."#, valueName: "file"))
    var importances: String?

    @Option(name: .long, help: "At least this many modules in every layer.")
    var minimumPerLayer: Int32 = 1

    @Option(name: .long, help: "Compose for this device class instead of the registered device.")
    var deviceClass: String?

    @Option(name: .long, help: "Where to write the sub-model. Default: STATE/sub-models/MODEL.")
    var out: String?

    @Flag(name: .long, help: "Replace files there even if they were changed since they were pulled.")
    var overwrite = false

    func request(release: Int32? = nil, explains: Bool = false) throws -> PullRequest {
        PullRequest(
            model: model, source: release.map { .release($0) } ?? .channel(channel),
            budget: limits.budget,
            importances: try ImportancesFile.read(importances), deviceClass: deviceClass,
            minimumPerLayer: minimumPerLayer, explains: explains)
    }
}
