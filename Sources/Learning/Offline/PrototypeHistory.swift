/// The stages of making a prototype, in order.
public enum PrototypeStage: String, Codable, Hashable, Sendable, CaseIterable {
    /// A dense network is trained, to be decomposed and grown.
    case dense
    /// Stage 1: modules and selector together.
    case endToEnd = "end_to_end"
    /// Stage 2: ability enhancing.
    case abilityEnhancing = "ability_enhancing"
    /// Nothing is left to do.
    case done
}

/// What happened while a prototype was made.
public struct PrototypeHistory: Codable, Hashable, Sendable {
    /// One pass over the training data.
    public struct Epoch: Codable, Hashable, Sendable {
        /// The stage it belongs to.
        public var stage: PrototypeStage
        /// Its number in the stage, from 1.
        public var epoch: Int
        /// The mean cross-entropy.
        public var loss: Double
        /// The mean of what the stage adds, before its weight: load balance or divergence.
        public var auxiliary: Double
        /// The accuracy on the validation data, where there are some.
        public var validationAccuracy: Double?

        enum CodingKeys: String, CodingKey {
            case stage, epoch, loss, auxiliary
            case validationAccuracy = "validation_accuracy"
        }
    }

    /// The passes, in order.
    public var epochs: [Epoch] = []
    /// How sub-tasks used modules before ability enhancing; empty where there was none.
    public var before: [AbilityMap] = []
    /// Which modules were meant to serve which sub-task.
    public var masks: [AbilityMask] = []
    /// How sub-tasks use modules at the end.
    public var after: [AbilityMap] = []

    /// Nothing yet.
    public init() {}
}

/// How far the making of a prototype is.
public struct PrototypeProgress: Sendable, Hashable {
    /// The stage at work.
    public var stage: PrototypeStage
    /// The step of the stage just made, from 1.
    public var step: Int
    /// The steps of the stage.
    public var steps: Int
    /// Steps made of all stages, those of an earlier run included.
    public var done: Int
    /// The steps of all stages.
    public var total: Int
    /// The loss of the step.
    public var loss: Double
}
