public import ECLMCore

/// How a device trains its sub-model.
public struct LocalTrainingSettings: Sendable, Codable {
    /// Epochs, rate, optimiser and the rest; the selector is frozen unless it says otherwise.
    public var training: TrainingSettings
    /// The part of the local data that is only measured on; 0 trains on all of it and measures nothing.
    public var heldOutShare: Double

    public init(
        training: TrainingSettings = .init(freezesSelector: true), heldOutShare: Double = 0.2
    ) {
        self.training = training
        self.heldOutShare = heldOutShare
    }

    enum CodingKeys: String, CodingKey {
        case training
        case heldOutShare = "held_out_share"
    }
}

/// What local training did.
public struct LocalTrainingResult: Sendable {
    /// Accuracy and loss, on the examples that are not learned from.
    public struct Measurement: Hashable, Sendable, Codable {
        /// The part of the examples that is classified right.
        public var accuracy: Double
        /// The mean cross entropy.
        public var loss: Double

        init(_ evaluation: Evaluation) {
            accuracy = evaluation.accuracy
            loss = evaluation.loss
        }
    }

    /// Measured before training; `nil` when nothing was held out.
    public var before: Measurement?
    /// Measured after training; `nil` when nothing was held out.
    public var after: Measurement?
    /// Which examples were learned from, and which held out.
    public var split: HeldOutSplit
    /// Optimiser steps.
    public var steps: Int
    /// What is odd about the data.
    public var warnings: [LocalDataCheck.Warning]

    /// The number of examples learned from.
    public var trainedExamples: Int { split.training.count }
    /// The number of examples held out.
    public var heldOutExamples: Int { split.heldOut.count }
}

/// Trains a sub-model on a device's own data, in place.
public enum LocalTraining {
    /// How much larger the loss on held-out examples may become before the run counts as diverged, though every value is
    /// still finite.
    static let divergenceFactor = 10.0

    /// Trains all parts of a sub-model that settings let learn, and measures before and after.
    ///
    /// `onStep` is called behind each step with its number, the number there will be, and the loss; it may throw to stop.
    /// Deterministic by seed on one thread of libtorch. When it throws, the network's weights are of no use.
    /// - Throws: ``LearningError``: `data` as ``LocalDataCheck``; `diverged` when a loss or a weight is not finite or the
    ///   loss on held-out examples grew tenfold: nothing of such a run may be submitted.
    public static func train(
        _ network: ModularNetwork, on data: TrainingData, settings: LocalTrainingSettings, seed: UInt64,
        onStep: ((Int, Int, Float) throws -> Void)? = nil
    ) throws -> LocalTrainingResult {
        var warnings = try LocalDataCheck.check(data, for: network.specification)
        let split = try HeldOutSplit(labels: data.labels, share: settings.heldOutShare)
        let heldOut = split.heldOut.isEmpty ? nil : try data.subset(split.heldOut)
        if heldOut == nil, settings.heldOutShare > 0 {
            warnings.append(.nothingHeldOut(examples: data.count))
        }
        let before = try heldOut.map { try measure(network, $0) }
        var options = TrainingOptions()
        options.onStep = onStep
        let log = try Learning.train(
            network, on: heldOut == nil ? data : data.subset(split.training), settings: settings.training, seed: seed,
            options: options)
        try requireFinite(network)
        let after = try heldOut.map { try measure(network, $0) }
        if let before, let after, !(after.loss <= max(1, before.loss) * divergenceFactor) {
            throw LearningError(
                .diverged,
                "the loss on held-out examples went from \(before.loss) to \(after.loss) in \(log.steps) steps; use a lower "
                    + "rate than \(settings.training.rate)")
        }
        return LocalTrainingResult(
            before: before, after: after, split: split, steps: log.steps, warnings: warnings)
    }

    /// The slots whose weights a run changes: everything that is present but a frozen selector.
    public static func trainedSlots(
        of network: ModularNetwork, settings: LocalTrainingSettings
    ) -> [ModuleSlot] {
        network.slots.filter { $0.kind != .selector || !settings.training.freezesSelector }
    }

    static func measure(_ network: ModularNetwork, _ data: TrainingData) throws -> LocalTrainingResult.Measurement {
        LocalTrainingResult.Measurement(try evaluate(network, on: data))
    }

    private static func requireFinite(_ network: ModularNetwork) throws {
        for parameter in network.parameters where try !parameter.tensor.isFinite {
            throw LearningError(
                .diverged, "the weights \(parameter.name) are not finite after training; use a lower rate")
        }
    }
}
