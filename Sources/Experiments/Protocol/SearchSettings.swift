public import Learning

/// How hyperparameters are chosen: on pseudo-devices made from the proxy's validation part, the same grid for every
/// method, never on a device of the experiment.
public struct SearchSettings: Sendable, Hashable, Codable {
    /// Pseudo-devices.
    public var devices: Int
    /// Rounds that each candidate gets.
    public var rounds: Int
    /// Candidates of the training within a round.
    public var roundRates: [Float]
    /// Candidates of the fine-tuning's rate.
    public var fineTuningRates: [Float]
    /// Candidates of what fine-tuning trains.
    public var parts: [TrainedParts]
    /// The optimiser of all local training.
    public var optimization: TrainingSettings.Optimization

    public init(
        devices: Int, rounds: Int, roundRates: [Float], fineTuningRates: [Float],
        parts: [TrainedParts] = [.all, .modulesAndHead], optimization: TrainingSettings.Optimization = .adam
    ) {
        self.devices = devices
        self.rounds = rounds
        self.roundRates = roundRates
        self.fineTuningRates = fineTuningRates
        self.parts = parts
        self.optimization = optimization
    }

    enum CodingKeys: String, CodingKey {
        case devices, rounds, parts, optimization
        case roundRates = "round_rates"
        case fineTuningRates = "fine_tuning_rates"
    }

    /// Checks the ranges.
    ///
    /// - Throws: ``ExperimentError`` with `settings`.
    func validate() throws {
        guard (1...1000).contains(devices), (0...1000).contains(rounds) else {
            throw ExperimentError(.settings, "a search takes 1 to 1000 pseudo-devices and 0 to 1000 rounds")
        }
        guard !parts.isEmpty, !roundRates.isEmpty, !fineTuningRates.isEmpty,
            (roundRates + fineTuningRates).allSatisfy({ $0 > 0 && $0 < 10 })
        else {
            throw ExperimentError(.settings, "a search needs rates above 0 and below 10, and parts to train")
        }
    }
}

/// One candidate that was tried, for the record.
public struct SearchRecord: Sendable, Hashable, Codable {
    public var row: String
    /// The seed of the row's task.
    public var seed: UInt64
    /// The method whose candidate it is.
    public var method: MethodCode
    public var candidate: Hyperparameters
    /// The accuracy on the pseudo-devices, mean over them; absent where training diverged.
    public var accuracy: Double?
    /// Whether it was chosen.
    public var isChosen: Bool

    public init(
        row: String, seed: UInt64, method: MethodCode, candidate: Hyperparameters, accuracy: Double?, isChosen: Bool
    ) {
        self.row = row
        self.seed = seed
        self.method = method
        self.candidate = candidate
        self.accuracy = accuracy
        self.isChosen = isChosen
    }

    enum CodingKeys: String, CodingKey {
        case row, seed, method, candidate, accuracy
        case isChosen = "is_chosen"
    }
}
