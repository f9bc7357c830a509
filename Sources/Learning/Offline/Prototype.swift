import ECLMCore

/// The making of a modular model in the cloud: the offline stage (paper section 2).
///
/// Perhaps a dense network first, decomposed exactly and grown; then stage 1, end to end; then stage 2, ability enhancing.
/// The same specification, data, settings and seed give the same weights, bit for bit, on one thread, whether the work
/// was interrupted or not.
public struct Prototype {
    /// The network.
    public let specification: NetworkSpecification
    /// The cloud's data.
    public let data: PrototypeData
    /// How it is made.
    public let settings: PrototypeSettings
    /// Where all randomness comes from.
    public let seed: UInt64

    /// A prototype to make.
    ///
    /// - Throws: ``LearningError``: `specification` for a network or settings that are not sound, `data` for examples that
    ///   the network cannot learn from.
    public init(
        _ specification: NetworkSpecification, data: PrototypeData, settings: PrototypeSettings = .init(), seed: UInt64
    ) throws {
        self.specification = try specification.validated()
        self.settings = try settings.validated()
        try data.check(for: specification)
        self.data = data
        self.seed = seed
    }

    /// Makes the prototype, or goes on where an earlier run stopped.
    ///
    /// - Parameters:
    ///   - checkpoint: The path of the state's file; `nil` keeps none.
    ///   - onStep: Called behind every step; may throw to stop, and the state up to the last checkpoint is then kept.
    /// - Throws: ``LearningError``: `diverged` with the step and what to change, the last checkpoint being kept;
    ///   `checkpoint` for a state that cannot be read or written or is of other work; `solver` for the mask; what
    ///   `onStep` throws.
    public func run(
        checkpoint: String? = nil, onStep: (PrototypeProgress) throws -> Void = { _ in }
    ) throws -> PrototypeResult {
        var work = try PrototypeWork(self, checkpoint: checkpoint)
        let resumedAt = work.stepsDone
        while work.position.stage != .done {
            try work.runStage(onStep: onStep)
            try work.enterNextStage()
        }
        return PrototypeResult(network: work.network, history: work.position.history, resumedAt: resumedAt)
    }

    /// The steps of all stages.
    public var totalSteps: Int { PrototypeStage.allCases.reduce(0) { $0 + steps(of: $1) } }

    func steps(of stage: PrototypeStage) -> Int {
        guard let training = training(of: stage) else { return 0 }
        return training.epochs * stepsPerEpoch(training)
    }

    func stepsPerEpoch(_ training: TrainingSettings) -> Int {
        training.stepsPerEpoch(data.training.count)
    }

    /// How a stage trains; `nil` for one that is left out.
    func training(of stage: PrototypeStage) -> TrainingSettings? {
        switch stage {
        case .dense: settings.dense
        case .endToEnd: settings.endToEnd.training
        case .abilityEnhancing: settings.abilityEnhancing?.training
        case .done: nil
        }
    }

    /// A generator of its own for each stage, purpose and place.
    func generator(_ stage: PrototypeStage, _ purpose: Purpose, _ place: Int) -> SplitMix64 {
        let number = PrototypeStage.allCases.firstIndex(of: stage) ?? 0
        return SplitMix64(seed: seed, path: UInt64(number), purpose.rawValue, UInt64(place))
    }

    enum Purpose: UInt64 {
        case order = 1, noise, sampling
    }
}

/// A prototype that was made.
public struct PrototypeResult {
    /// The network, whole.
    public let network: ModularNetwork
    /// What happened.
    public let history: PrototypeHistory
    /// The steps that an earlier run had made.
    public let resumedAt: Int
}
