import Learning

/// HeteroFL (Diao et al., ICLR 2021) as its authors run it: each device trains the first channels of the global net that
/// its budget allows, here the first modules of each layer; every weight becomes the mean over the devices that hold it.
///
/// Static batch normalisation: batches normalise by themselves while a slice trains, and statistics are gathered over the
/// devices' data once training is over. The scaler divides a slice's activations by its width's share while it trains.
/// With masked logits, classes that a device lacks count neither in its loss nor, in the head, in the mean.
struct HeteroFL: AdaptationMethod {
    /// Whether local training masks the logits of classes that the device lacks.
    let masksLogits: Bool

    /// Devices whose data the statistics are gathered over, at most.
    static let statisticsDevices = 50

    var codes: [MethodCode] {
        masksLogits ? [.heteroFLMasked, .heteroFLMaskedFineTuned] : [.heteroFL, .heteroFLFineTuned]
    }
    var tuning: Tuning { [.round, .fineTuning] }

    func artifacts(shares: [Double], costs: CostTable) throws -> [Artifacts.Kind] {
        for share in Set(shares) { _ = try costs.denseCounts(share: share) }
        return [.nestedForHeteroFL]
    }

    func run(on fleet: Fleet, _ hyperparameters: Hyperparameters) async throws -> [MethodCode: RunResult] {
        var federation = try HeteroFLFederation(fleet: fleet, masksLogits: masksLogits)
        var plain = RunMeter(fleet)
        var tuned = RunMeter(fleet)

        func evaluatePoint(_ round: Int) throws {
            let (before, after, _) = try federation.accuracies(of: fleet.evaluated, hyperparameters.fineTuning)
            let delivery = federation.slices.reduce(0) { $0 + $1.bytes }
            plain.point(round: round, accuracy: before.mean, traffic: federation.traffic, delivery: delivery)
            tuned.point(round: round, accuracy: after.mean, traffic: federation.traffic, delivery: delivery)
        }

        if fleet.isEvaluated(round: 0) { try evaluatePoint(0) }
        for round in 1..<(fleet.federation.rounds + 1) {
            try federation.run(round: round, hyperparameters.round)
            if fleet.isEvaluated(round: round) { try evaluatePoint(round) }
        }
        let (before, after, fineTuningSteps) = try federation.accuracies(
            of: fleet.devices, hyperparameters.fineTuning)
        (plain.accuracies, tuned.accuracies) = (before, after)
        (plain.steps, tuned.steps) = (federation.steps, federation.steps + fineTuningSteps)
        for device in fleet.devices {
            federation.traffic.down += federation.slices[device.index].bytes
            let network = try federation.network(for: device)
            try plain.note(network, trains: true, on: device, forward: federation.trainingOptions(for: device))
        }
        tuned.noteNets(of: plain)
        (plain.traffic, tuned.traffic) = (federation.traffic, federation.traffic)
        return [codes[0]: plain.result(encoding: "full"), codes[1]: tuned.result(encoding: "full")]
    }
}

/// The state of one HeteroFL run.
struct HeteroFLFederation {
    /// What a device holds of the global net.
    struct Slice {
        var counts: [Int]
        /// The share of the net's inner width.
        var share: Double
        var bytes: Int64
    }

    let fleet: Fleet
    let masksLogits: Bool
    /// One a device.
    let slices: [Slice]
    var global: NetworkWeights
    var traffic = CloudTraffic()
    var steps = 0
    private let training: DeviceTraining

    init(fleet: Fleet, masksLogits: Bool) throws {
        self.fleet = fleet
        self.masksLogits = masksLogits
        let total = Double(fleet.network.layers.reduce(0) { $0 + $1.modules })
        slices = try fleet.devices.map { device in
            let counts = try fleet.costs.denseCounts(share: device.budgetShare)
            return Slice(
                counts: counts, share: Double(counts.reduce(0, +)) / total,
                bytes: fleet.costs.bytes(of: fleet.costs.denseSlots(counts)))
        }
        global = try fleet.artifacts[.nestedForHeteroFL]
        training = DeviceTraining(fleet: fleet)
    }

    /// The device's slice of the global net.
    func network(for device: FleetDevice) throws -> ModularNetwork {
        try global.network(
            fleet.network, modules: fleet.network.prefix(slices[device.index].counts), gating: .unit(1))
    }

    /// Batch normalisation by the batch, and the scaler.
    func trainingOptions(for device: FleetDevice) -> ForwardOptions {
        Self.trainingOptions(share: slices[device.index].share)
    }

    static func trainingOptions(share: Double) -> ForwardOptions {
        var options = ForwardOptions()
        options.normalisation = .batch(BatchStatistics(mode: .current))
        options.activationScale = Float(1 / share)
        return options
    }

    mutating func run(round: Int, _ settings: LocalSettings) throws {
        var average = WeightAverage()
        for device in fleet.participants(round: round) {
            let network = try network(for: device)
            let mask = masksLogits ? device.classMask(of: fleet.network.classes) : nil
            traffic.down += slices[device.index].bytes
            let made = try training.train(
                network, on: device, settings, seed: fleet.seed(.roundTraining, device.index, round), mask: mask,
                forward: trainingOptions(for: device))
            guard let made else { continue }
            steps += made
            traffic.up += slices[device.index].bytes
            try average.add(NetworkWeights(of: network), weight: 1, headRows: mask)
        }
        global = try average.mean(over: global)
    }

    /// Accuracies of the devices' slices, before and after local fine-tuning.
    func accuracies(
        of devices: [FleetDevice], _ settings: LocalSettings
    ) throws -> (before: [Double], after: [Double], steps: Int) {
        var statistics: [[Int]: BatchStatistics] = [:]
        var before: [Double] = []
        var after: [Double] = []
        var steps = 0
        let sources = fleet.devices.prefix(HeteroFL.statisticsDevices).map(\.train)
        for device in devices {
            let network = try network(for: device)
            let counts = slices[device.index].counts
            let shared = try statistics[counts] ?? Self.statistics(of: network, over: sources)
            statistics[counts] = shared
            var fixed = ForwardOptions()
            fixed.normalisation = .batch(shared)
            before.append(try training.accuracy(network, on: device, forward: fixed))
            // Never masked: a device that keeps its net for itself gains by unlearning the classes that it lacks.
            let made = try training.train(
                network, on: device, settings, seed: fleet.seed(.fineTuning, device.index),
                forward: trainingOptions(for: device))
            if let made {
                fixed.normalisation = .batch(try Self.statistics(of: network, over: [device.train]))
                steps += made
            }
            after.append(try training.accuracy(network, on: device, forward: fixed))
        }
        return (before, after, steps)
    }

    /// The statistics of a net's norms over some data, fixed.
    private static func statistics(of network: ModularNetwork, over data: [TrainingData]) throws -> BatchStatistics {
        let statistics = BatchStatistics(mode: .gathering)
        var options = ForwardOptions()
        options.normalisation = .batch(statistics)
        for part in data { _ = try evaluate(network, on: part, options: options) }
        statistics.mode = .fixed
        return statistics
    }
}
