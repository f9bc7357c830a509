/// The rounds of collaborative methods and how runs are measured; the same for every method.
public struct FederationSettings: Sendable, Hashable, Codable {
    /// Rounds of one adaptation step.
    public var rounds: Int
    /// Devices that take part in a round (25 in the paper).
    public var devicesPerRound: Int
    /// Local epochs of a round (3 in the paper).
    public var roundEpochs: Int
    /// Local epochs of fine-tuning (10 in the paper).
    public var fineTuningEpochs: Int
    /// Examples a batch (16 in the paper).
    public var batch: Int
    /// Rounds between two points of the curve.
    public var evaluationInterval: Int
    /// Devices that a point of the curve is measured on; the final accuracies are of all devices.
    public var evaluationDevices: Int

    public init(
        rounds: Int, devicesPerRound: Int, roundEpochs: Int = 3, fineTuningEpochs: Int = 10, batch: Int = 16,
        evaluationInterval: Int = 5, evaluationDevices: Int = 20
    ) {
        self.rounds = rounds
        self.devicesPerRound = devicesPerRound
        self.roundEpochs = roundEpochs
        self.fineTuningEpochs = fineTuningEpochs
        self.batch = batch
        self.evaluationInterval = evaluationInterval
        self.evaluationDevices = evaluationDevices
    }

    enum CodingKeys: String, CodingKey {
        case rounds, batch
        case devicesPerRound = "devices_per_round"
        case roundEpochs = "round_epochs"
        case fineTuningEpochs = "fine_tuning_epochs"
        case evaluationInterval = "evaluation_interval"
        case evaluationDevices = "evaluation_devices"
    }

    /// Checks the ranges.
    ///
    /// - Throws: ``ExperimentError`` with `settings`.
    func validate() throws {
        let positive = [
            ("devices_per_round", devicesPerRound), ("round_epochs", roundEpochs),
            ("fine_tuning_epochs", fineTuningEpochs), ("batch", batch), ("evaluation_interval", evaluationInterval),
            ("evaluation_devices", evaluationDevices),
        ]
        if let (name, value) = positive.first(where: { !(1...100_000).contains($0.1) }) {
            throw ExperimentError(.settings, "\(name) is \(value); it takes 1 to 100000")
        }
        guard (0...100_000).contains(rounds) else {
            throw ExperimentError(.settings, "rounds is \(rounds); it takes 0 to 100000")
        }
    }
}
