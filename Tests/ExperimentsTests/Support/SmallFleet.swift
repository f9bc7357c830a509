import ECLMCore
import Foundation
import Learning

@testable import Experiments

/// A tiny network, data that it can learn, and a fleet of devices with it.
enum SmallFleet {
    static let network = NetworkSpecification(
        model: "small", input: [8], classes: 4, stem: StemSpecification(kind: .none),
        layers: [
            LayerSpecification(
                name: "a", block: .dense, width: 8, modules: 6, inner: 24, bypass: false, innerNorm: false),
            LayerSpecification(
                name: "b", block: .dense, width: 8, modules: 4, inner: 24, bypass: false, innerNorm: false),
        ],
        selector: SelectorSpecification(widths: [4], topK: 2))

    /// Examples of some classes, told apart by two of their eight values.
    static func examples(_ classes: [Int], count: Int, seed: UInt64) throws -> TrainingData {
        var generator = SplitMix64(seed: seed)
        let labels = (0..<count).map { classes[$0 % classes.count] }
        let values = labels.flatMap { label in
            (0..<8).map { Float(generator.normal() + ($0 / 2 == label ? 2 : 0)) }
        }
        return try TrainingData(shape: [8], values: values, labels: labels)
    }

    static func devices(_ shares: [Double] = [0.45, 0.6, 1]) throws -> [FleetDevice] {
        try shares.enumerated().map { index, share in
            let classes = [index % 4, (index + 1) % 4]
            return try FleetDevice(
                id: "d\(index)", index: index, budgetShare: share,
                train: examples(classes, count: 24, seed: UInt64(index)),
                test: examples(classes, count: 20, seed: UInt64(100 + index)))
        }
    }

    static func costs() throws -> CostTable {
        CostTable(network: network, costs: try ModuleCostMeasurement.measure(network, batch: 8))
    }

    /// A fleet with what the cloud has trained for a few epochs.
    static func fleet(_ shares: [Double] = [0.45, 0.6, 1], seed: UInt64 = 5) throws -> Fleet {
        let costs = try costs()
        let training = CloudTraining(
            network: network, settings: TrainingSettings(epochs: 4, batch: 8, rate: 0.01),
            data: try examples([0, 1, 2, 3], count: 64, seed: 1), seed: seed)
        let prototype = try ModularNetwork(network, seed: seed)
        try train(
            prototype, on: training.data, settings: TrainingSettings(epochs: 4, batch: 8, rate: 0.01), seed: seed)
        var weights: [Artifacts.Kind: NetworkWeights] = [
            .nested: try training.nested(),
            .nestedForHeteroFL: try training.nested { HeteroFLFederation.trainingOptions(share: $0) },
            .prototype(enhanced: true): try NetworkWeights(of: prototype),
            .prototype(enhanced: false): try NetworkWeights(of: prototype),
        ]
        for counts in try Set(shares.map { try costs.denseCounts(share: $0) } + [network.layers.map(\.modules)]) {
            weights[.dense(counts)] = try training.dense(counts)
        }
        return Fleet(
            name: "small", network: network, devices: try devices(shares), seed: seed,
            federation: FederationSettings(
                rounds: 2, devicesPerRound: 2, roundEpochs: 1, fineTuningEpochs: 2, batch: 8, evaluationInterval: 1,
                evaluationDevices: 2),
            costs: costs, artifacts: Artifacts(weights), exchange: CloudSettings(),
            makeCloud: ExperimentRunner.inProcess)
    }

    static let hyperparameters = Hyperparameters(
        round: LocalSettings(epochs: 1, rate: 0.01, optimization: .adam),
        fineTuning: LocalSettings(epochs: 2, rate: 0.01, optimization: .adam))
}

/// A directory that is gone when the instance is.
final class TemporaryDirectory: Sendable {
    let path = NSTemporaryDirectory() + "experiments-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}
