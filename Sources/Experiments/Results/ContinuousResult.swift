/// The continuous run of all methods on one row: each step replaces half of each device's data.
public struct ContinuousResult: Codable, Sendable, Hashable {
    /// The row's name.
    public var row: String
    /// What each method did.
    public var methods: [ContinuousMethod]

    public init(row: String, methods: [ContinuousMethod]) {
        self.row = row
        self.methods = methods
    }
}

/// One method in a continuous run.
public struct ContinuousMethod: Codable, Sendable, Hashable {
    public var method: MethodCode
    /// Its name in full.
    public var title: String
    /// One run a seed.
    public var runs: [ContinuousRun]

    public init(method: MethodCode, title: String, runs: [ContinuousRun]) {
        self.method = method
        self.title = title
        self.runs = runs
    }
}

/// One continuous run with one seed. All columns have one entry a step, from step 1 on.
public struct ContinuousRun: Codable, Sendable, Hashable {
    public var seed: UInt64
    /// Accuracy after the step's adaptation on the devices' current test data, mean over devices.
    public var accuracies: [Double]
    /// The time that a device computed in the step, mean over devices.
    public var seconds: [Double]
    /// Bytes sent by all devices in the step.
    public var bytesUp: [Int]
    /// Bytes sent to all devices in the step.
    public var bytesDown: [Int]

    /// A run from its columns.
    public init(seed: UInt64, accuracies: [Double], seconds: [Double], bytesUp: [Int], bytesDown: [Int]) {
        self.seed = seed
        self.accuracies = accuracies
        self.seconds = seconds
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
    }
}
