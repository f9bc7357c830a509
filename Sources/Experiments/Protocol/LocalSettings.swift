public import Learning

/// Which parameters of a net learn on a device.
public enum TrainedParts: String, Sendable, Hashable, Codable, CaseIterable {
    /// Everything but the selector.
    case all
    /// The modules and the head: the stem, and the norms between layers, stay.
    case modulesAndHead = "modules_and_head"
    /// The head alone.
    case head
}

/// How a device trains on its own data.
public struct LocalSettings: Sendable, Hashable, Codable {
    /// Passes over the device's data.
    public var epochs: Int
    /// The learning rate.
    public var rate: Float
    /// The optimiser.
    public var optimization: TrainingSettings.Optimization
    /// What learns.
    public var parts: TrainedParts

    public init(
        epochs: Int, rate: Float, optimization: TrainingSettings.Optimization = .adam, parts: TrainedParts = .all
    ) {
        self.epochs = epochs
        self.rate = rate
        self.optimization = optimization
        self.parts = parts
    }

    /// The settings of one device's training.
    func training(batch: Int) -> TrainingSettings {
        TrainingSettings(
            epochs: epochs, batch: batch, rate: rate, optimization: optimization, clipNorm: 5, freezesSelector: true)
    }

    /// In short, for reports.
    public var text: String {
        let names: [TrainedParts: String] = [.all: "all", .modulesAndHead: "modules and head", .head: "head"]
        return "\(optimization.rawValue) \(rate), \(epochs) epochs, \(names[parts] ?? "")"
    }
}

/// What is chosen for a method on pseudo-devices.
public struct Hyperparameters: Sendable, Hashable, Codable {
    /// Training within a round; only collaborative methods use it.
    public var round: LocalSettings
    /// Local fine-tuning at the end; methods without local training do not use it.
    public var fineTuning: LocalSettings

    public init(round: LocalSettings, fineTuning: LocalSettings) {
        self.round = round
        self.fineTuning = fineTuning
    }

    enum CodingKeys: String, CodingKey {
        case round
        case fineTuning = "fine_tuning"
    }
}
