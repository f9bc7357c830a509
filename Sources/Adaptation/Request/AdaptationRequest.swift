public import ECLMCore
public import EdgeClient
public import Learning

/// What a device asks of one adaptation: which model, within which budget, and how to train and submit.
public struct AdaptationRequest: Sendable {
    public var model: String
    /// The channel whose release to start from.
    public var channel: String
    /// What the device may spend; missing figures are its class's.
    public var budget: Budget
    /// The least number of modules in every layer.
    public var minimumPerLayer: Int32
    /// How to train, and what to hold out.
    public var training: LocalTrainingSettings
    /// What training's random choices follow from.
    public var seed: UInt64
    /// How the update is written.
    public var encoding: UpdateEncoding
    /// The share of values that a sparse delta keeps.
    public var fraction: Double
    /// How many subsets to plan for smaller budgets, the whole sub-model included.
    public var subsets: Int
    /// Whether what was learned is submitted; without, it only serves this device.
    public var submits: Bool

    public init(
        model: String, channel: String = "stable", budget: Budget = .init(), minimumPerLayer: Int32 = 1,
        training: LocalTrainingSettings, seed: UInt64 = 0, encoding: UpdateEncoding = .int8Delta,
        fraction: Double = 0.1, subsets: Int = 5, submits: Bool = true
    ) {
        self.model = model
        self.channel = channel
        self.budget = budget
        self.minimumPerLayer = minimumPerLayer
        self.training = training
        self.seed = seed
        self.encoding = encoding
        self.fraction = fraction
        self.subsets = subsets
        self.submits = submits
    }
}

/// What happens during an adaptation, for whoever watches.
public enum AdaptationEvent: Sendable {
    /// A stage begins.
    case stage(AdaptationStage)
    /// Weights are under way.
    case transfer(TransferProgress)
    /// One more optimiser step is done, of so many.
    case step(number: Int, of: Int, loss: Float)
    /// Something went otherwise than planned and was dealt with.
    case remark(String)
}

/// The stages of an adaptation, in their order.
public enum AdaptationStage: String, Sendable, Hashable, CaseIterable {
    /// The selector is fetched, and nothing else.
    case selector
    /// Local data is scored.
    case score
    /// The sub-model is composed and fetched.
    case pull
    /// It is trained and measured.
    case train
    /// What changed is submitted.
    case submit
}
