import Datasets
import Learning

/// How much of an experiment is run.
public enum ExperimentPreset: String, Sendable, Hashable, Codable, CaseIterable {
    /// A tiny task on a tiny net: all code runs in a minute, even unoptimised; the numbers mean little.
    case smoke
    /// All rows of one experiment within 20 minutes on two cores.
    case quick
    /// Three seeds, more devices and rounds, 100 steps of the continuous run: hours.
    case full
}

extension ExperimentSettings {
    /// The experiments there are.
    public static let names = ["har", "images", "speech"]

    /// An experiment of the paper's protocol.
    ///
    /// - Throws: ``ExperimentError`` with `settings` for a name that there is not.
    public static func named(_ name: String, preset: ExperimentPreset) throws -> ExperimentSettings {
        guard let dataset = Dataset(rawValue: name) else {
            throw ExperimentError(
                .settings, "there is no experiment \(name); there are \(names.joined(separator: ", "))")
        }
        let plan = Plan(preset, dataset)
        return try ExperimentSettings(
            name: name, title: title(dataset), preset: preset.rawValue, rows: rows(dataset, preset, plan),
            seeds: (1...UInt64(plan.seeds)).map { $0 }, methods: MethodCode.known,
            federation: plan.federation, search: plan.search, prototype: plan.prototype, baseline: plan.baseline,
            exchange: CloudSettings(), caps: plan.caps, continuous: plan.continuous
        ).validated()
    }

    private static func title(_ dataset: Dataset) -> String {
        switch dataset {
        case .har: "Human activity: one user a device"
        case .images: "Images of clothes: a few classes a device"
        case .speech: "Spoken digits: a few classes a device"
        }
    }

    private static func rows(_ dataset: Dataset, _ preset: ExperimentPreset, _ plan: Plan) throws -> [Row] {
        func row(_ skew: Skew, _ key: String, _ name: String) -> Row {
            Row(
                name: name, key: key,
                task: TaskSettings(
                    dataset: dataset, skew: skew, devices: plan.devices, samples: plan.samples,
                    proxyLimit: plan.proxyLimit, testLimit: plan.testLimit),
                network: preset == .smoke ? smokeNetwork(dataset) : network(dataset))
        }
        switch dataset {
        case .har: return [row(.user, "users", "activity, one user a device")]
        case .images: return [2, 5].map { row(.classes($0), "m\($0)", "images, \($0) classes a device") }
        case .speech: return [3, 5].map { row(.classes($0), "m\($0)", "digits, \($0) classes a device") }
        }
    }

    private static func network(_ dataset: Dataset) -> NetworkSpecification {
        switch dataset {
        case .har: .har
        case .images: .images
        case .speech: .speech
        }
    }

    /// The features that ``Datasets`` makes of a window.
    private static let harFeatures = 552

    /// A net that trains in moments.
    private static func smokeNetwork(_ dataset: Dataset) -> NetworkSpecification {
        func convolutions(
            _ model: String, input: [Int], kernel: [Int], stride: [Int], pool: [Int]
        ) -> NetworkSpecification {
            NetworkSpecification(
                model: model, input: input, classes: 10,
                stem: StemSpecification(kind: .convolution, width: 6, kernel: kernel, stride: stride),
                layers: [
                    LayerSpecification(
                        name: "block1", block: .convolution, width: 8, modules: 6, inner: 4, kernel: kernel,
                        stride: stride, bypass: false),
                    LayerSpecification(
                        name: "block2", block: .convolution, width: 8, modules: 6, inner: 4, kernel: kernel, skip: true),
                ],
                selector: SelectorSpecification(pool: pool, widths: [8], topK: 2))
        }
        switch dataset {
        case .har:
            return NetworkSpecification(
                model: "har-smoke", input: [harFeatures], classes: 6, stem: StemSpecification(kind: .none),
                layers: [
                    LayerSpecification(
                        name: "hidden", block: .dense, width: 12, modules: 10, inner: 6, bypass: false,
                        innerNorm: false)
                ],
                selector: SelectorSpecification(widths: [4], topK: 3))
        case .images:
            return convolutions("images-smoke", input: [1, 28, 28], kernel: [3, 3], stride: [2, 2], pool: [7, 7])
        case .speech:
            return convolutions("speech-smoke", input: [13, 1, 92], kernel: [1, 3], stride: [1, 2], pool: [1, 23])
        }
    }
}

/// The amounts of a preset.
private struct Plan {
    var seeds: Int
    var devices: Int?
    var samples: ClosedRange<Int>
    var proxyLimit: Int?
    var testLimit: Int
    var federation: FederationSettings
    var search: SearchSettings
    var prototype: PrototypeSettings
    var baseline: TrainingSettings
    var caps: ExperimentSettings.Caps
    var continuous: ExperimentSettings.Continuous

    init(_ preset: ExperimentPreset, _ dataset: Dataset) {
        let isSpeech = dataset == .speech
        switch preset {
        case .smoke:
            seeds = 1
            devices = 6
            samples = 24...40
            proxyLimit = dataset == .har ? 500 : 400
            testLimit = 40
            federation = FederationSettings(
                rounds: 2, devicesPerRound: 3, roundEpochs: 1, fineTuningEpochs: 2, evaluationInterval: 1,
                evaluationDevices: 3)
            search = SearchSettings(
                devices: 2, rounds: 1, roundRates: [5e-3], fineTuningRates: [3e-3, 1e-2], parts: [.all])
            (prototype, baseline) = Self.cloud(dense: 2, stage1: 2, stage2: 2, rate: 5e-3)
            caps = ExperimentSettings.Caps(shares: [0.4, 1], methods: [.ours, .oursRandomModules])
            continuous = ExperimentSettings.Continuous(steps: 2, devices: 3)
        case .quick:
            seeds = 1
            devices = dataset == .har ? nil : dataset == .speech ? 20 : 30
            samples = isSpeech ? 50...70 : 50...150
            // The proxy has 30 % of what proxy and devices have together.
            proxyLimit = dataset == .images ? 1300 : nil
            testLimit = 150
            federation = FederationSettings(
                rounds: 10, devicesPerRound: 8, evaluationInterval: 5, evaluationDevices: 10)
            search = SearchSettings(
                devices: 10, rounds: 2, roundRates: [1e-3, 3e-3], fineTuningRates: [3e-4, 1e-3, 3e-3],
                parts: [.all, .head])
            (prototype, baseline) =
                isSpeech ? Self.speechCloud() : Self.cloud(dense: 10, stage1: 8, stage2: 12, rate: 3e-3)
            caps = ExperimentSettings.Caps(shares: [0.1, 0.2, 0.35, 0.5, 0.75, 1])
            continuous = ExperimentSettings.Continuous(steps: 15, devices: 8)
        case .full:
            seeds = 3
            devices = dataset == .images ? 100 : dataset == .speech ? 24 : nil
            samples = isSpeech ? 50...70 : 50...150
            proxyLimit = dataset == .images ? 4300 : nil
            testLimit = 250
            federation = FederationSettings(
                rounds: 40, devicesPerRound: 12, evaluationInterval: 4, evaluationDevices: 20)
            search = SearchSettings(
                devices: 12, rounds: 4, roundRates: [3e-4, 1e-3, 3e-3], fineTuningRates: [1e-4, 3e-4, 1e-3, 3e-3],
                parts: TrainedParts.allCases)
            (prototype, baseline) =
                isSpeech ? Self.speechCloud() : Self.cloud(dense: 15, stage1: 10, stage2: 15, rate: 3e-3)
            caps = ExperimentSettings.Caps(shares: (1...10).map { Double($0) / 10 })
            continuous = ExperimentSettings.Continuous(steps: 100, devices: 12)
        }
    }

    /// The cloud's training: the baselines' nets get as many epochs as all stages of ours together.
    private static func cloud(
        dense: Int, stage1: Int, stage2: Int, rate: Float
    ) -> (PrototypeSettings, TrainingSettings) {
        var prototype = PrototypeSettings()
        var training = prototype.endToEnd.training
        training.rate = rate
        training.epochs = dense
        prototype.dense = training
        training.epochs = stage1
        prototype.endToEnd.training = training
        training.epochs = stage2
        prototype.abilityEnhancing?.training = training
        training.epochs = dense + stage1 + stage2
        return (prototype, training)
    }

    /// Some 600 utterances need more epochs: chosen on the proxy's validation data, where 30 dense epochs and 48 of ability
    /// enhancing raise sub-models of a fifth of the net from 72 to 91 % over 10 and 12.
    private static func speechCloud() -> (PrototypeSettings, TrainingSettings) {
        var (prototype, baseline) = cloud(dense: 30, stage1: 4, stage2: 48, rate: 3e-3)
        prototype.endToEnd.training.rate = 1e-3
        prototype.abilityEnhancing?.subModels?.share = 0.9
        return (prototype, baseline)
    }
}
