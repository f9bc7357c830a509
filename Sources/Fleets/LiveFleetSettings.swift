public import Datasets
public import ECLMCore
public import Learning

/// A fleet of simulated devices against a running registry: who they are and what they do.
public struct LiveFleetSettings: Sendable {
    /// Where registryd listens, `host:port` or `unix:/path`.
    public var endpoint: String
    public var model: String
    /// The channel to follow.
    public var channel: String
    /// The class that the devices register with; it must exist.
    public var deviceClass: String
    /// Where devices keep their state.
    public var directory: String
    /// Where their data comes from; the split that the prototype was made with.
    public var task: TaskSettings
    /// How many of the task's devices take part.
    public var devices: Int
    /// Rounds before the drift.
    public var rounds: Int
    /// Rounds after it; 0 for no drift.
    public var roundsAfterDrift: Int
    /// The step of the devices' streams that their data jumps to.
    public var driftStep: Int
    /// How many devices change hands at the drift: they get another user's data.
    public var handOver: Int
    /// How devices train.
    public var training: LocalTrainingSettings
    /// How updates are written.
    public var encoding: UpdateEncoding
    /// How drift is told.
    public var detector: DriftDetector
    /// How long to wait for the trainer's release after a round.
    public var roundTimeout: Duration

    public init(
        endpoint: String, model: String, channel: String = "stable", deviceClass: String, directory: String,
        task: TaskSettings, devices: Int = 8, rounds: Int = 3, roundsAfterDrift: Int = 2, driftStep: Int = 4,
        handOver: Int = 2, training: LocalTrainingSettings = .init(), encoding: UpdateEncoding = .int8Delta,
        detector: DriftDetector = .init(), roundTimeout: Duration = .seconds(60)
    ) {
        self.endpoint = endpoint
        self.model = model
        self.channel = channel
        self.deviceClass = deviceClass
        self.directory = directory
        self.task = task
        self.devices = devices
        self.rounds = rounds
        self.roundsAfterDrift = roundsAfterDrift
        self.driftStep = driftStep
        self.handOver = handOver
        self.training = training
        self.encoding = encoding
        self.detector = detector
        self.roundTimeout = roundTimeout
    }

    func validated() throws -> LiveFleetSettings {
        func require(_ condition: Bool, _ message: String) throws {
            guard condition else { throw FleetError(.inconsistent, message) }
        }
        try require((1...1000).contains(devices), "a fleet has 1 to 1000 devices, not \(devices)")
        try require((1...1000).contains(rounds), "a fleet plays 1 to 1000 rounds, not \(rounds)")
        try require((0...1000).contains(roundsAfterDrift), "0 to 1000 rounds can follow the drift")
        try require((0...100_000).contains(driftStep), "the drift leads to a step from 0 to 100000")
        try require((0...devices).contains(handOver), "0 to \(devices) of the devices can change hands")
        return self
    }
}
