import Datasets
import ECLMCore
import Fleets
import Learning

/// One row with one seed: its data, costs, and what the cloud has trained; made or found in the store.
struct RowWork: Sendable {
    let settings: ExperimentSettings
    let row: ExperimentSettings.Row
    let seed: UInt64
    let store: RunStore
    let costs: CostTable
    let task: FederatedTask
    let devices: [FleetDevice]
    let makeCloud: ExperimentRunner.CloudFactory

    /// What all results of a row and seed depend on.
    private struct Fingerprint: Encodable {
        var row: ExperimentSettings.Row
        var seed: UInt64
        var federation: FederationSettings
        var search: SearchSettings
        var prototype: PrototypeSettings
        var baseline: TrainingSettings
        var exchange: CloudSettings
        var overTheWire: Bool
        /// Raised whenever the same settings give other results than before.
        var schema = 2
    }

    /// The store of a row and seed.
    static func store(
        _ settings: ExperimentSettings, _ row: ExperimentSettings.Row, seed: UInt64, options: ExperimentRunner.Options
    ) throws -> RunStore {
        try RunStore(
            root: options.workDirectory, experiment: "\(settings.name)-\(settings.preset)", row: row.key, seed: seed,
            fingerprint: Fingerprint(
                row: row, seed: seed, federation: settings.federation, search: settings.search,
                prototype: settings.prototype, baseline: settings.baseline, exchange: settings.exchange,
                overTheWire: options.overTheWire))
    }

    /// Reads the data and measures what modules cost.
    init(
        _ settings: ExperimentSettings, _ row: ExperimentSettings.Row, seed: UInt64, store: RunStore,
        dataDirectory: String, makeCloud: @escaping ExperimentRunner.CloudFactory
    ) throws {
        self.settings = settings
        self.row = row
        self.seed = seed
        self.makeCloud = makeCloud
        self.store = store
        var taskSettings = row.task
        taskSettings.seed = seed
        task = try FederatedTask.make(taskSettings, directory: dataDirectory)
        guard task.exampleShape == row.network.input, task.classNames.count == row.network.classes else {
            throw ExperimentError(
                .settings,
                "row \(row.key): examples of \(task.name) have the shape \(task.exampleShape) and "
                    + "\(task.classNames.count) classes; the network \(row.network.model) takes \(row.network.input) and "
                    + "\(row.network.classes)")
        }
        devices = try task.devices.enumerated().map { index, device in
            try FleetDevice(
                id: device.id, index: index, budgetShare: device.budgetShare,
                train: TrainingData(device.train), test: TrainingData(device.test))
        }
        let measured: [SlotCosts]
        if let kept: [SlotCosts] = store.load("costs") {
            measured = kept
        } else {
            measured = try ModuleCostMeasurement.measure(row.network, batch: settings.federation.batch)
                .map { SlotCosts(slot: $0.key, costs: $0.value) }.sorted { $0.slot < $1.slot }
            try store.save(measured, as: "costs")
        }
        costs = CostTable(
            network: row.network, costs: Dictionary(uniqueKeysWithValues: measured.map { ($0.slot, $0.costs) }))
    }

    private struct SlotCosts: Codable {
        var slot: ModuleSlot
        var costs: ModuleCosts
    }

    /// The budget shares of devices, each once, ascending.
    var shares: [Double] { Set(devices.map(\.budgetShare)).sorted() }

    /// The devices with what the cloud has trained for some kinds.
    func fleet(_ kinds: [Artifacts.Kind], onProgress: @escaping @Sendable () -> Void) throws -> Fleet {
        var weights: [Artifacts.Kind: NetworkWeights] = [:]
        for kind in kinds { weights[kind] = try load(kind) }
        return Fleet(
            name: "\(row.key)/\(seed)", network: row.network, devices: devices, seed: seed,
            federation: settings.federation, costs: costs, artifacts: Artifacts(weights), exchange: settings.exchange,
            makeCloud: makeCloud, onProgress: onProgress)
    }

    /// The same with pseudo-devices and few rounds.
    func pseudoFleet(_ kinds: [Artifacts.Kind], onProgress: @escaping @Sendable () -> Void) throws -> Fleet {
        var fleet = try fleet(kinds, onProgress: onProgress)
        fleet.name += " pseudo"
        fleet.isTrial = true
        fleet.devices = try PseudoDevices.make(
            settings.search.devices, from: task.proxyValidation, task: row.task, classes: row.network.classes,
            random: fleet.random(.pseudoDevices))
        fleet.federation.rounds = settings.search.rounds
        // The search compares weights, not ways of sending them, and always does so in process.
        fleet.makeCloud = ExperimentRunner.inProcess
        return fleet
    }

    // MARK: - What the cloud trains

    func has(_ kind: Artifacts.Kind) -> Bool { store.has("\(kind.name).safetensors") }

    func load(_ kind: Artifacts.Kind) throws -> NetworkWeights {
        guard let bytes = store.bytes("\(kind.name).safetensors") else {
            throw ExperimentError(.storage, "the work directory \(store.directory) has lost \(kind.name); run again")
        }
        let modules = kind.modules(of: row.network)
        let slots =
            [ModuleSlot.stem, .head, .selector]
            + modules.enumerated().flatMap { layer, present in
                present.map { row.network.slot(layer: layer, module: $0) }
            }
        return try NetworkWeights(file: bytes, modules: modules, slots: slots)
    }

    /// Trains what is missing, and keeps it.
    func make(_ kind: Artifacts.Kind) throws {
        let training = CloudTraining(
            network: row.network, settings: settings.baseline, data: try TrainingData(task.proxy), seed: seed)
        let weights: NetworkWeights
        switch kind {
        case .dense(let counts): weights = try training.dense(counts)
        case .nested: weights = try training.nested()
        case .nestedForHeteroFL:
            weights = try training.nested { HeteroFLFederation.trainingOptions(share: $0) }
        case .prototype(let enhanced): weights = try prototype(enhanced: enhanced)
        }
        try store.write(weights.file(), to: "\(kind.name).safetensors")
    }

    private func prototype(enhanced: Bool) throws -> NetworkWeights {
        var stages = settings.prototype
        if !enhanced {
            // The ablation trains for as long, in the first stage alone.
            stages.endToEnd.training.epochs += stages.abilityEnhancing?.training.epochs ?? 0
            stages.abilityEnhancing = nil
        }
        let prototype = try Prototype(row.network, data: PrototypeData(task), settings: stages, seed: seed)
        let result = try prototype.run { _ in try Task.checkCancellation() }
        if enhanced, let ability = AbilityResult(result.history, of: prototype, name: row.name) {
            try store.save(ability, as: "ability")
        }
        return try NetworkWeights(of: result.network)
    }
}
