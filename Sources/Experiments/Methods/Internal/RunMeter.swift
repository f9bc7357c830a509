import ECLMCore
import Learning

/// Collects what a run measures into its result.
struct RunMeter {
    let fleet: Fleet
    /// The final accuracy of each device.
    var accuracies: [Double] = []
    /// The points of the curve.
    var curve: [CurvePoint] = []
    /// Bytes of the rounds and of the final delivery.
    var traffic = CloudTraffic()
    /// Optimiser steps.
    var steps = 0
    /// The nets that devices run.
    private var nets: [[[Int]]] = []
    private var probes: [[[Int]]: TrainingProbe] = [:]
    private var includesSelector = false

    init(_ fleet: Fleet) { self.fleet = fleet }

    /// Notes the net that a device ends up with, and measures what a batch of training costs it.
    mutating func note(
        _ network: ModularNetwork, trains: Bool, on device: FleetDevice, forward: ForwardOptions = .init()
    ) throws {
        nets.append(network.modules)
        includesSelector = network.gating == .selector
        guard trains, !fleet.isTrial else { return }
        // Equal counts cost the same, whichever modules they are.
        let counts = network.modules.map { [$0.count] }
        if probes[counts] == nil {
            probes[counts] = try TrainingProbe(
                network, data: device.train, batch: fleet.federation.batch, forward: forward)
        }
    }

    /// Notes the nets of another run, whose devices end up with the same ones and train them alike.
    mutating func noteNets(of other: RunMeter) {
        nets = other.nets
        probes = other.probes
        includesSelector = other.includesSelector
    }

    /// Adds a point of the curve: bytes of the rounds so far, and what bringing the current model to every device takes.
    mutating func point(round: Int, accuracy: Double, traffic: CloudTraffic, delivery: Int64) {
        curve.append(
            CurvePoint(
                round: round, bytesUp: Int(traffic.up), bytesDown: Int(traffic.down + delivery), accuracy: accuracy))
    }

    /// The result of the run.
    func result(encoding: String? = nil, overTheWire: Bool = false) -> RunResult {
        let slots = nets.map { modules in
            [ModuleSlot.stem, .head] + (includesSelector ? [.selector] : [])
                + modules.enumerated().flatMap { layer, present in
                    present.map { fleet.network.slot(layer: layer, module: $0) }
                }
        }
        let probed = nets.compactMap { net in probes[net.map { [$0.count] }] }
        return RunResult(
            seed: fleet.seed, deviceAccuracies: accuracies, curve: curve, bytesUp: Int(traffic.up),
            bytesDown: Int(traffic.down), subModelBytes: slots.map { Double(fleet.costs.bytes(of: $0)) }.mean,
            subModelParameters: slots.map { Double(fleet.costs.parameters(of: $0)) }.mean,
            peakTrainingMemory: probed.isEmpty ? nil : probed.map { Double($0.peakMemory) }.mean,
            secondsPerBatch: probed.isEmpty ? nil : probed.map(\.secondsPerBatch).mean, localSteps: steps,
            encoding: encoding, overTheWire: overTheWire)
    }
}

/// What a batch of training takes, measured.
struct TrainingProbe: Sendable, Hashable, Codable {
    /// The most memory that tensors took beyond what was there before the batch, in bytes: activations, gradients, and
    /// the weights themselves.
    var peakMemory: Int
    /// The median time, in seconds.
    var secondsPerBatch: Double

    private static let repetitions = 5

    /// Trains a copy of the network on one batch, a few times.
    init(_ network: ModularNetwork, data: TrainingData, batch: Int, forward: ForwardOptions = .init()) throws {
        let settings = TrainingSettings(
            epochs: 1, batch: batch, rate: 1e-3, optimization: .sgd, freezesSelector: true)
        // A device with fewer examples than a batch repeats some: the cost does not depend on which they are.
        let rows = try data.subset((0..<batch).map { $0 % data.count })
        var options = TrainingOptions()
        options.forward = forward
        var peaks: [Int] = []
        var seconds: [Double] = []
        for repetition in 0..<Self.repetitions {
            let start = ContinuousClock.now
            let (_, peak) = try TensorRuntime.peakMemory {
                let copy = try network.copy()
                try Learning.train(copy, on: rows, settings: settings, seed: 0, options: options)
            }
            // The first pass allocates what later ones find.
            if repetition > 0 { seconds.append((ContinuousClock.now - start) / .seconds(1)) }
            peaks.append(peak)
        }
        peakMemory = peaks.max() ?? 0
        secondsPerBatch = seconds.sorted()[seconds.count / 2]
    }
}
