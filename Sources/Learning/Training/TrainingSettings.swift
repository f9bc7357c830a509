/// How a network is trained.
public struct TrainingSettings: Codable, Hashable, Sendable {
    /// What makes a step of a gradient.
    public enum Optimization: String, Codable, Hashable, Sendable {
        /// Stochastic gradient descent, with momentum.
        case sgd
        /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
        case adam
    }

    /// Passes over the data.
    public var epochs: Int
    /// Examples a step.
    public var batch: Int
    /// The learning rate.
    public var rate: Float
    /// What makes a step of a gradient.
    public var optimization: Optimization
    /// The momentum of `sgd`.
    public var momentum: Float
    public var weightDecay: Float
    /// The largest Euclidean norm of all gradients together; longer ones are scaled down. `nil` for any.
    public var clipNorm: Float?
    /// FedProx's μ: the pull towards the weights that training began with (Li et al. 2020). 0 for none.
    public var proximal: Float
    /// Whether the selector stays as it is (the online stage).
    public var freezesSelector: Bool
    /// The learning rate falls to this share of itself, linearly over the run; 1 keeps it.
    public var finalRate: Float

    /// The defaults are the paper's batch and epochs for a device.
    public init(
        epochs: Int = 3, batch: Int = 16, rate: Float = 1e-3, optimization: Optimization = .adam, momentum: Float = 0.9,
        weightDecay: Float = 0, clipNorm: Float? = nil, proximal: Float = 0, freezesSelector: Bool = false,
        finalRate: Float = 1
    ) {
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.optimization = optimization
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.clipNorm = clipNorm
        self.proximal = proximal
        self.freezesSelector = freezesSelector
        self.finalRate = finalRate
    }

    /// The settings themselves, when they are sound.
    ///
    /// - Throws: ``LearningError`` with `specification`, which says what to change.
    public func validated() throws -> TrainingSettings {
        func check(_ condition: Bool, _ message: String) throws {
            guard condition else { throw LearningError(.specification, "training: \(message)") }
        }
        try check((0...100_000).contains(epochs), "epochs is \(epochs)")
        try check((1...65_536).contains(batch), "batch is \(batch)")
        try check(rate.isFinite && rate >= 0, "rate is \(rate); it must be at least 0")
        try check((0..<1).contains(momentum), "momentum is \(momentum); it must be from 0 to below 1")
        try check(weightDecay.isFinite && weightDecay >= 0, "weight_decay is \(weightDecay)")
        try check(clipNorm.map { $0 > 0 && $0.isFinite } ?? true, "clip_norm must be above 0")
        try check(proximal.isFinite && proximal >= 0, "proximal is \(proximal)")
        try check((0...1).contains(finalRate), "final_rate is \(finalRate); it must be from 0 to 1")
        return self
    }

    /// The steps of one pass over some examples, the last perhaps smaller.
    func stepsPerEpoch(_ examples: Int) -> Int { (examples + batch - 1) / batch }

    /// The share of the learning rate that a step has, counted from 0 of as many.
    func rateScale(step: Int, of total: Int) -> Float {
        let progress = total > 1 ? Float(step) / Float(total - 1) : 0
        return 1 + (finalRate - 1) * progress
    }

    enum CodingKeys: String, CodingKey {
        case epochs, batch, rate, optimization, momentum, proximal
        case weightDecay = "weight_decay"
        case clipNorm = "clip_norm"
        case freezesSelector = "freeze_selector"
        case finalRate = "final_rate"
    }
}
