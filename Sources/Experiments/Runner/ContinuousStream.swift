import Datasets
import Fleets
import Learning

/// The continuous run: at every step half of each device's data is replaced, and each device adapts once.
///
/// On-device methods go on training the net that they have, for as many epochs as fine-tuning takes. Collaborative ones
/// take the newest model, train it for the epochs of a round, are measured, and those whose turn it is send what they
/// learned (the paper's 3 epochs against 10).
struct ContinuousStream {
    /// Network, costs and what the cloud has trained.
    let fleet: Fleet
    /// The devices with their streams.
    let devices: [Device]
    /// Steps, from 1.
    let steps: Int
    /// Of the method.
    let hyperparameters: Hyperparameters

    /// The methods that there is a continuous run of.
    static let methods: [MethodCode] =
        [.noAdaptation, .localAdaptation, .fedAvgFineTuned] + ModularVariant.allCases.filter(\.hasRounds).map(\.code)

    /// One run.
    ///
    /// - Throws: ``ExperimentError`` with `settings` for a method that has none.
    func run(_ code: MethodCode) async throws -> ContinuousRun {
        switch code {
        case .noAdaptation: return try local(finetunes: false)
        case .localAdaptation: return try local(finetunes: true)
        case .fedAvgFineTuned: return try averaging()
        default:
            guard let variant = ModularVariant(method: code), variant.hasRounds else {
                throw ExperimentError(.settings, "there is no continuous run of \(code)")
            }
            return try await modular(variant)
        }
    }

    private var training: DeviceTraining { DeviceTraining(fleet: fleet) }

    /// The devices' data at a step.
    private func devices(at step: Int) throws -> [FleetDevice] {
        try devices.enumerated().map { index, device in
            let (train, test) = device.stream(step: step)
            return try FleetDevice(
                id: device.id, index: index, budgetShare: device.budgetShare, train: TrainingData(train),
                test: TrainingData(test))
        }
    }

    /// The devices whose turn it is to send.
    private func participants(of current: [FleetDevice], step: Int) -> Set<Int> {
        var fleet = fleet
        fleet.devices = current
        return Set(fleet.participants(round: step).map(\.index))
    }

    private func local(finetunes: Bool) throws -> ContinuousRun {
        let networks = try devices.map { device in
            try fleet.artifacts[.dense(fleet.costs.denseCounts(share: device.budgetShare))]
                .network(fleet.network, gating: .unit(1))
        }
        var columns = Columns(seed: fleet.seed)
        for step in 1..<(steps + 1) {
            var accuracies: [Double] = []
            var time = Duration.zero
            for device in try devices(at: step) {
                let network = networks[device.index]
                time += try ContinuousClock().measure {
                    guard finetunes else { return }
                    _ = try training.train(
                        network, on: device, hyperparameters.fineTuning,
                        seed: fleet.seed(.fineTuning, device.index, step))
                }
                accuracies.append(try training.accuracy(network, on: device))
            }
            columns.add(accuracies, time, up: 0, down: 0)
        }
        return columns.run
    }

    private func averaging() throws -> ContinuousRun {
        let counts = fleet.network.layers.map(\.modules)
        let bytes = Int(fleet.costs.bytes(of: fleet.costs.denseSlots(counts)))
        var global = try fleet.artifacts[.dense(counts)]
        let network = try global.network(fleet.network, gating: .unit(1))
        var columns = Columns(seed: fleet.seed)
        for step in 1..<(steps + 1) {
            let current = try devices(at: step)
            let senders = participants(of: current, step: step)
            var average = WeightAverage()
            var accuracies: [Double] = []
            var time = Duration.zero
            var sent = 0
            for device in current {
                try global.load(into: network)
                var made: Int?
                time += try ContinuousClock().measure {
                    made = try training.train(
                        network, on: device, hyperparameters.round,
                        seed: fleet.seed(.roundTraining, device.index, step))
                }
                accuracies.append(try training.accuracy(network, on: device))
                guard made != nil, senders.contains(device.index) else { continue }
                try average.add(NetworkWeights(of: network), weight: Double(device.train.count))
                sent += bytes
            }
            global = try average.mean(over: global)
            columns.add(accuracies, time, up: sent, down: bytes * current.count)
        }
        return columns.run
    }

    private func modular(_ variant: ModularVariant) async throws -> ContinuousRun {
        try await fleet.withCloud(for: variant, "\(variant.code) continuous", devices: devices.map(\.id)) {
            try await modular($0)
        }
    }

    private func modular(_ modular: ModularDevices) async throws -> ContinuousRun {
        var columns = Columns(seed: fleet.seed)
        var before = CloudTraffic()
        for step in 1..<(steps + 1) {
            let current = try devices(at: step)
            let senders = participants(of: current, step: step)
            var accuracies: [Double] = []
            var time = Duration.zero
            for device in current {
                let start = ContinuousClock.now
                let subModel = try await modular.pull(device)
                let made = try training.train(
                    subModel.network, on: device, hyperparameters.round,
                    seed: fleet.seed(.roundTraining, device.index, step))
                time += ContinuousClock.now - start
                accuracies.append(try training.accuracy(subModel.network, on: device))
                guard made != nil, senders.contains(device.index) else { continue }
                try await modular.submit(subModel, of: device)
            }
            _ = try await modular.cloud.closeRound()
            let traffic = try await modular.cloud.traffic()
            columns.add(
                accuracies, time, up: Int(traffic.up - before.up), down: Int(traffic.down - before.down))
            before = traffic
        }
        return columns.run
    }

    /// Collects steps.
    private struct Columns {
        var run: ContinuousRun

        init(seed: UInt64) {
            run = ContinuousRun(seed: seed, accuracies: [], seconds: [], bytesUp: [], bytesDown: [])
        }

        mutating func add(_ accuracies: [Double], _ time: Duration, up: Int, down: Int) {
            run.accuracies.append(accuracies.mean)
            run.seconds.append(time / .seconds(1) / Double(max(1, accuracies.count)))
            run.bytesUp.append(up)
            run.bytesDown.append(down)
        }
    }
}
