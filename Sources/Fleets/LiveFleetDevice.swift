import Adaptation
import Datasets
import ECLMCore
import EdgeClient
import Learning

/// One simulated device of a fleet.
struct LiveFleetDevice: Sendable {
    let device: Device
    let edge: WireDevice
    var budget: Budget
    var train: TrainingData
    var test: TrainingData

    init(_ device: Device, edge: WireDevice, budget: Budget) throws {
        self.device = device
        self.edge = edge
        self.budget = budget
        train = try TrainingData(device.recording(step: 0).train)
        test = try TrainingData(device.test)
    }

    /// Gives it the data of a device, perhaps another, at a step of the stream.
    mutating func take(from other: Device, step: Int) throws {
        let (train, test) = other.recording(step: step)
        self.train = try TrainingData(train)
        self.test = try TrainingData(test)
    }

    func adapt(_ settings: LiveFleetSettings, seed: UInt64) async throws -> AdaptationReport {
        try await DeviceAdaptation(client: edge.client).adapt(
            AdaptationRequest(
                model: settings.model, channel: settings.channel, budget: budget, training: settings.training,
                seed: seed, encoding: settings.encoding), to: train)
    }

    func isDrifted(_ settings: LiveFleetSettings, seed: UInt64) async throws -> Bool {
        try await DeviceAdaptation(client: edge.client).checkDrift(
            of: settings.model, in: train, by: settings.detector, seed: seed
        ).isDrift
    }

    /// Accuracy on test data, of the last sub-model as pulled and as adapted.
    func accuracies(_ model: String) async throws -> (pulled: Double, adapted: Double) {
        let installed = try InstalledModel(of: model, in: edge.client.state)
        let test = test
        return try await onOwnThread("evaluation") {
            (
                try evaluate(installed.pulledNetwork(), on: test).accuracy,
                try evaluate(installed.network(), on: test).accuracy
            )
        }
    }
}
