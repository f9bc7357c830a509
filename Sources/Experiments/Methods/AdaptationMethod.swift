/// A way of bringing a cloud's model to devices: what the rows of the main table compare.
///
/// All methods get the same devices, budgets, participants of each round and local epochs, and the nets that the cloud
/// has trained on the same proxy data with the same number of epochs.
protocol AdaptationMethod: Sendable {
    /// The methods that one run gives results of: a method before and after local fine-tuning is one run.
    var codes: [MethodCode] { get }

    /// What the cloud must have trained before.
    ///
    /// - Parameter shares: The budget shares of the devices.
    /// - Throws: ``ExperimentError`` with `budget` where a share is too small for any net.
    func artifacts(shares: [Double], costs: CostTable) throws -> [Artifacts.Kind]

    /// Which hyperparameters make a difference.
    var tuning: Tuning { get }

    /// One run; progress is reported to the fleet.
    func run(on fleet: Fleet, _ hyperparameters: Hyperparameters) async throws -> [MethodCode: RunResult]
}

/// What there is to choose for a method.
struct Tuning: OptionSet, Sendable {
    let rawValue: Int
    /// The rate within rounds.
    static let round = Tuning(rawValue: 1)
    /// Rate and parts of fine-tuning.
    static let fineTuning = Tuning(rawValue: 2)
}

/// All methods that an experiment asks for, each once.
enum MethodCatalogue {
    /// The runs that give results of some methods.
    static func methods(for codes: [MethodCode]) -> [any AdaptationMethod] {
        let variants = ModularVariant.allCases.map { ModularMethod(variant: $0) as any AdaptationMethod }
        let all: [any AdaptationMethod] =
            [
                LocalMethod(finetunes: false), LocalMethod(finetunes: true), AdaptiveNet(), FederatedAveraging(),
                HeteroFL(masksLogits: false), HeteroFL(masksLogits: true),
            ] + variants
        return all.filter { method in method.codes.contains { codes.contains($0) } }
    }
}

extension MethodCode {
    /// The name in full, for tables.
    var title: String {
        switch self {
        case .noAdaptation: "No adaptation"
        case .localAdaptation: "Local fine-tuning"
        case .adaptiveNet: "AdaptiveNet-like"
        case .fedAvg: "FedAvg"
        case .fedAvgFineTuned: "FedAvg, then local fine-tuning"
        case .heteroFL: "HeteroFL"
        case .heteroFLMasked: "HeteroFL, masked logits"
        case .heteroFLFineTuned: "HeteroFL, then local fine-tuning"
        case .heteroFLMaskedFineTuned: "HeteroFL, masked logits, then local fine-tuning"
        case .ours: "Ours"
        case .oursFullWeights: "Ours, all weights sent in full"
        case .oursHalfPrecision: "Ours, modules in half precision"
        case .oursRandomModules: "Ours with random modules"
        case .oursNoAbilityEnhancing: "Ours without ability enhancing"
        case .oursNoLocalTraining: "Ours without local training"
        case .oursNoCloud: "Ours without the cloud"
        default: rawValue
        }
    }
}
