/// What one method reached on one row.
public struct MethodResult: Codable, Sendable, Hashable {
    public var method: MethodCode
    /// Its name in full: `FedAvg, then local fine-tuning`.
    public var title: String
    /// One run a seed, in the order of the row's seeds.
    public var runs: [RunResult]

    public init(method: MethodCode, title: String, runs: [RunResult]) {
        self.method = method
        self.title = title
        self.runs = runs
    }
}

/// One run of one method with one seed.
public struct RunResult: Codable, Sendable, Hashable {
    public var seed: UInt64
    /// The accuracy of each device on its own test data at the end, in the order of the devices.
    public var deviceAccuracies: [Double]
    /// How it got there; empty for a method without rounds.
    public var curve: [CurvePoint]
    /// Bytes sent by all devices over the whole run.
    public var bytesUp: Int
    /// Bytes sent to all devices over the whole run.
    public var bytesDown: Int
    /// The bytes of the weights that a device runs, mean over devices.
    public var subModelBytes: Double
    /// The parameters that a device runs, mean over devices.
    public var subModelParameters: Double
    /// The peak memory of a training step in bytes, mean over devices; absent for methods that do not train.
    public var peakTrainingMemory: Double?
    /// The time of one training batch, mean over devices; absent for methods that do not train.
    public var secondsPerBatch: Double?
    /// Optimiser steps, all devices together.
    public var localSteps: Int
    /// How updates are encoded: `full`, `delta`, `int8_delta`, `sparse_delta`; absent where nothing is sent.
    public var encoding: String?
    /// Whether bytes were counted on connections to the real registry, and not summed up from sizes.
    public var overTheWire: Bool

    public init(
        seed: UInt64, deviceAccuracies: [Double], curve: [CurvePoint] = [], bytesUp: Int = 0, bytesDown: Int = 0,
        subModelBytes: Double, subModelParameters: Double, peakTrainingMemory: Double? = nil,
        secondsPerBatch: Double? = nil, localSteps: Int = 0, encoding: String? = nil, overTheWire: Bool = false
    ) {
        self.seed = seed
        self.deviceAccuracies = deviceAccuracies
        self.curve = curve
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.subModelBytes = subModelBytes
        self.subModelParameters = subModelParameters
        self.peakTrainingMemory = peakTrainingMemory
        self.secondsPerBatch = secondsPerBatch
        self.localSteps = localSteps
        self.encoding = encoding
        self.overTheWire = overTheWire
    }
}

/// Where a run stood after a round.
public struct CurvePoint: Codable, Sendable, Hashable {
    /// The round; 0 is before the first one.
    public var round: Int
    /// Bytes sent by all devices since the start.
    public var bytesUp: Int
    /// Bytes sent to all devices since the start.
    public var bytesDown: Int
    /// The accuracy on the devices' own test data, mean over devices.
    public var accuracy: Double

    public init(round: Int, bytesUp: Int, bytesDown: Int, accuracy: Double) {
        self.round = round
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.accuracy = accuracy
    }

    /// Bytes both ways since the start.
    public var bytes: Int { bytesUp + bytesDown }
}
