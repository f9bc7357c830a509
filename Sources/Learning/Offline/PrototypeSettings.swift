/// How a prototype is made: the stages of the offline stage (paper section 2), each with its training.
///
/// The defaults were chosen on the validation part of the cloud's proxy data, never on devices.
public struct PrototypeSettings: Codable, Hashable, Sendable {
    /// Training of a dense network first, which is then decomposed and grown into the modular one; `nil` starts from
    /// random modules.
    public var dense: TrainingSettings?
    /// Stage 1: modules and selector together, by noisy top-k gating with balanced load.
    public var endToEnd: EndToEndStage
    /// Stage 2: ability enhancing; `nil` leaves it out (an ablation).
    public var abilityEnhancing: AbilityStage?
    /// Steps between two checkpoints; there is one at the end of every stage anyway.
    public var checkpointSteps: Int

    public init(
        dense: TrainingSettings? = nil, endToEnd: EndToEndStage = .init(), abilityEnhancing: AbilityStage? = .init(),
        checkpointSteps: Int = 500
    ) {
        self.dense = dense
        self.endToEnd = endToEnd
        self.abilityEnhancing = abilityEnhancing
        self.checkpointSteps = checkpointSteps
    }

    enum CodingKeys: String, CodingKey {
        case dense
        case endToEnd = "end_to_end"
        case abilityEnhancing = "ability_enhancing"
        case checkpointSteps = "checkpoint_steps"
    }
}

/// Stage 1: cross-entropy and λ (CV² of importance + CV² of load), with noise on the selector's scores
/// (Shazeer et al. 2017).
public struct EndToEndStage: Codable, Hashable, Sendable {
    /// How the network is trained.
    public var training: TrainingSettings
    /// λ: the weight of the load balance, a mean over the layers.
    public var balance: Float
    /// Whether the selector's scores get noise.
    public var noise: Bool
    /// Modules per example in this stage; `nil` for the specification's.
    public var topK: Int?
    /// Epochs at the start in which every module is in the top k, so that a grown network begins as the dense one.
    public var openEpochs: Int

    public init(
        training: TrainingSettings = .init(epochs: 10, batch: 32, rate: 3e-3, clipNorm: 5, finalRate: 0.01),
        balance: Float = 0.01, noise: Bool = true, topK: Int? = 4, openEpochs: Int = 0
    ) {
        self.training = training
        self.balance = balance
        self.noise = noise
        self.topK = topK
        self.openEpochs = openEpochs
    }

    enum CodingKeys: String, CodingKey {
        case training, balance, noise
        case topK = "top_k"
        case openEpochs = "open_epochs"
    }
}

/// Stage 2: cross-entropy and λ KL(P[t(x)] ‖ g): gates are drawn towards the modules that the mask gives an example's
/// sub-task.
public struct AbilityStage: Codable, Hashable, Sendable {
    /// How the network is fine-tuned.
    public var training: TrainingSettings
    /// λ: the weight of the divergence, a mean over the layers.
    public var divergence: Float
    /// κ1 in units of T / N, the load of a module when all have the same: no module may get more of the sub-tasks' gates.
    public var moduleLoad: Double
    /// κ2: modules that a sub-task is given at most in each layer.
    public var modulesPerSubTask: Int
    /// Training through sub-models; `nil` trains the whole network alone.
    public var subModels: SubModelSampling?
    /// When the solver of the mask stops looking.
    public var solver: MixedIntegerProgram.Limits

    public init(
        training: TrainingSettings = .init(epochs: 8, batch: 32, rate: 3e-3, clipNorm: 5, finalRate: 0.01),
        divergence: Float = 0.1, moduleLoad: Double = 1.5, modulesPerSubTask: Int = 2,
        subModels: SubModelSampling? = .init(),
        solver: MixedIntegerProgram.Limits = .init(seconds: 60, relativeGap: 1e-3)
    ) {
        self.training = training
        self.divergence = divergence
        self.moduleLoad = moduleLoad
        self.modulesPerSubTask = modulesPerSubTask
        self.subModels = subModels
        self.solver = solver
    }

    enum CodingKeys: String, CodingKey {
        case training, divergence, solver
        case moduleLoad = "module_load"
        case modulesPerSubTask = "modules_per_sub_task"
        case subModels = "sub_models"
    }
}

/// Batches of stage 2 that go through sub-models as devices will hold them: a few sub-tasks, a size cap, and the modules
/// that matter most for the batch. So modules learn to work without the others; with the divergence alone a small
/// sub-model of an enhanced network is no better than of one that is not.
public struct SubModelSampling: Codable, Hashable, Sendable {
    /// The share of batches that go through a sub-model, 0 to 1.
    public var share: Double
    /// Sub-tasks that such a batch is drawn from at most.
    public var subTasks: Int
    /// The sizes that are drawn: shares of the full model's parameters; see ``SizeCap``.
    public var caps: [Double]

    public init(share: Double = 0.7, subTasks: Int = 5, caps: [Double] = [0.2, 0.2, 0.3, 0.5, 0.75]) {
        self.share = share
        self.subTasks = subTasks
        self.caps = caps
    }

    enum CodingKeys: String, CodingKey {
        case share, caps
        case subTasks = "sub_tasks"
    }
}

extension PrototypeSettings {
    /// The settings themselves, when they are sound.
    ///
    /// - Throws: ``LearningError`` with `specification`, which says what to change.
    public func validated() throws -> PrototypeSettings {
        func check(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            guard condition else { throw LearningError(.specification, "the settings: \(message())") }
        }
        _ = try dense?.validated()
        _ = try endToEnd.training.validated()
        try check(
            endToEnd.balance.isFinite && endToEnd.balance >= 0,
            "end_to_end.balance is \(endToEnd.balance); it must be at least 0")
        try check(
            endToEnd.topK.map { (1...1024).contains($0) } ?? true,
            "end_to_end.top_k must be 1 to 1024, or null for the network's")
        try check(
            (0...100_000).contains(endToEnd.openEpochs),
            "end_to_end.open_epochs is \(endToEnd.openEpochs); it must be at least 0")
        try check(
            (1...1_000_000).contains(checkpointSteps), "checkpoint_steps is \(checkpointSteps); it must be at least 1")
        guard let stage = abilityEnhancing else { return self }
        _ = try stage.training.validated()
        try check(
            stage.divergence.isFinite && stage.divergence >= 0,
            "ability_enhancing.divergence is \(stage.divergence); it must be at least 0")
        try check(
            stage.moduleLoad.isFinite && stage.moduleLoad > 0,
            "ability_enhancing.module_load is \(stage.moduleLoad); it must be above 0, and 1.5 is usual")
        try check(
            (1...1024).contains(stage.modulesPerSubTask),
            "ability_enhancing.modules_per_sub_task is \(stage.modulesPerSubTask); it must be 1 to 1024")
        if let sampling = stage.subModels {
            try check(
                (0...1).contains(sampling.share),
                "ability_enhancing.sub_models.share is \(sampling.share); it must be from 0 to 1")
            try check(
                sampling.subTasks >= 1,
                "ability_enhancing.sub_models.sub_tasks is \(sampling.subTasks); it must be at least 1")
            try check(
                !sampling.caps.isEmpty && sampling.caps.allSatisfy { $0 > 0 && $0 <= 1 },
                "ability_enhancing.sub_models.caps must be shares above 0 and at most 1, such as [0.2, 0.5]")
        }
        return self
    }
}
