public import ECLMCore

/// What a device learned: trained weights of some of a sub-model's modules, and how they came about.
public struct Submission: Hashable, Sendable {
    /// The pulled sub-model that was trained, with its manifest.
    public var subModelDirectory: String
    /// Where the trained weights lie: one directory with `MODULE.safetensors` files, or such files.
    public var weights: Weights
    /// The samples it was trained on, at least 1.
    public var sampleCount: Int64
    /// What was measured, by name.
    public var metrics: [String: Double]
    /// The device's importances, layer by layer in index order; empty for those the sub-model was composed with.
    public var importances: [[Double]]
    /// The key that makes a repeated submission the same update; by default made from base release and content.
    public var idempotencyKey: String?
    /// How the weights are sent. Differences take fewer bytes; what they leave out is kept in the state directory and
    /// added to the next ones.
    public var encoding: UpdateEncoding
    /// The part of a module's weights that `sparse_delta` sends: above 0, at most 1.
    public var fraction: Double

    /// Where trained weights lie.
    public enum Weights: Hashable, Sendable {
        /// A directory: every `MODULE.safetensors` in it whose module the sub-model has.
        case directory(String)
        /// Files named `MODULE.safetensors`.
        case files([String])
    }

    /// Without weights, those in the sub-model's own directory.
    public init(
        subModelDirectory: String, weights: Weights? = nil, sampleCount: Int64, metrics: [String: Double] = [:],
        importances: [[Double]] = [], idempotencyKey: String? = nil, encoding: UpdateEncoding = .full,
        fraction: Double = UpdateEncoder.defaultFraction
    ) {
        self.subModelDirectory = subModelDirectory
        self.weights = weights ?? .directory(subModelDirectory)
        self.sampleCount = sampleCount
        self.metrics = metrics
        self.importances = importances
        self.idempotencyKey = idempotencyKey
        self.encoding = encoding
        self.fraction = fraction
    }
}

/// What became of a submission.
public struct SubmitResult: Hashable, Sendable {
    public var updateID: UpdateID
    /// Whether the registry had it already, under the same key and with the same content.
    public var isReplay: Bool
    /// Whether the registry had the same trained weights in another encoding, which counts.
    public var isEncodedOtherwise: Bool
    /// Where the update stands.
    public var status: UpdateStatus
    /// The key it was submitted under.
    public var idempotencyKey: String
    /// The modules submitted.
    public var modules: [String]
    /// Modules whose weights are the base's own, and were left out.
    public var unchanged: [String]
    /// How the modules were sent.
    public var encoding: UpdateEncoding
    /// Bytes of weights that the registry did not have yet.
    public var uploadedBytes: Int64
    /// All bytes on the connection during the submission.
    public var traffic: Traffic
}
