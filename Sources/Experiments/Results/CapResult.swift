/// One method's accuracy on one row when all sub-models are capped at a share of the full model's size.
public struct CapResult: Codable, Sendable, Hashable {
    /// The row's name.
    public var row: String
    /// ``MethodCode/ours``, ``MethodCode/oursNoAbilityEnhancing`` or ``MethodCode/oursRandomModules``.
    public var method: MethodCode
    /// One point a cap, ascending.
    public var points: [CapPoint]

    public init(row: String, method: MethodCode, points: [CapPoint]) {
        self.row = row
        self.method = method
        self.points = points
    }
}

/// What sub-models of one size reach.
public struct CapPoint: Codable, Sendable, Hashable {
    /// The cap, as a share of the full model's parameters: 0.1 ... 1.
    public var cap: Double
    /// The accuracy of each seed, mean over devices.
    public var accuracies: [Double]
    /// The bytes of the weights in fact, mean over devices and seeds.
    public var subModelBytes: Double
    /// The peak memory of a training step in bytes, mean over devices and seeds; absent where it was not measured.
    public var peakTrainingMemory: Double?
    /// The time of one training batch, mean over devices and seeds; absent where it was not measured.
    public var secondsPerBatch: Double?

    public init(
        cap: Double, accuracies: [Double], subModelBytes: Double, peakTrainingMemory: Double? = nil,
        secondsPerBatch: Double? = nil
    ) {
        self.cap = cap
        self.accuracies = accuracies
        self.subModelBytes = subModelBytes
        self.peakTrainingMemory = peakTrainingMemory
        self.secondsPerBatch = secondsPerBatch
    }
}
