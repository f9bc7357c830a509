import Learning

/// What devices do with a net, the same for every method.
struct DeviceTraining {
    let fleet: Fleet

    /// Trains a net in place on a device's data.
    ///
    /// A run that diverges leaves the net as it was: the device keeps what it had.
    /// - Returns: Optimiser steps; `nil` when training diverged.
    func train(
        _ network: ModularNetwork, on device: FleetDevice, _ settings: LocalSettings, seed: UInt64,
        mask: [Bool]? = nil, forward: ForwardOptions = .init()
    ) throws -> Int? {
        try Task.checkCancellation()
        let before = try NetworkWeights(of: network)
        var options = TrainingOptions()
        options.forward = forward
        options.classMask = mask
        let parts = settings.parts
        options.parts = { parts.includes($0) }
        do {
            let log = try Learning.train(
                network, on: device.train, settings: settings.training(batch: fleet.federation.batch), seed: seed,
                options: options)
            guard try network.isFinite else {
                throw LearningError(.diverged, "weights are not finite after training")
            }
            fleet.onProgress()
            return log.steps
        } catch let error as LearningError where error.code == .diverged {
            try before.load(into: network)
            fleet.onProgress()
            return nil
        }
    }

    /// The share of a device's test examples that a net classifies right.
    func accuracy(
        _ network: ModularNetwork, on device: FleetDevice, forward: ForwardOptions = .init()
    ) throws -> Double {
        try evaluate(network, on: device.test, options: forward).accuracy
    }
}

extension TrainedParts {
    func includes(_ part: Parameter.Part) -> Bool {
        switch (self, part) {
        case (_, .selector): false
        case (.all, _), (_, .head): true
        case (.modulesAndHead, .layer): true
        default: false
        }
    }
}

extension ModularNetwork {
    /// Whether every weight is a finite number.
    fileprivate var isFinite: Bool {
        get throws { try parameters.allSatisfy { try $0.tensor.isFinite } }
    }
}
