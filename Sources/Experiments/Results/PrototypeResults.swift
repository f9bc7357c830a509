/// What the offline stage made and how it went, as its report shows it.
public struct PrototypeResults: Codable, Sendable, Hashable {
    /// The layout that this code reads and writes.
    public static let currentSchema = 1

    /// The layout's version, ``currentSchema``.
    public var schema: Int
    /// The prototype's name; the files of its report begin with it. Lower-case letters, digits and hyphens.
    public var name: String
    /// The heading of its report.
    public var title: String
    /// The command that made it, as it is typed.
    public var command: String
    public var seed: UInt64
    /// The network's specification in short and the settings, in the order in which the report shows them.
    public var setup: [Fact]
    /// The machine, as far as times depend on it.
    public var machine: MachineFacts
    /// How training went, stage by stage.
    public var stages: [TrainingStage]
    /// Routing before and after ability enhancing; absent when the second stage was not run.
    public var routing: AbilityResult?
    /// Accuracy on the proxy's validation data by size cap.
    public var caps: [CapResult]
    /// The bytes of the whole model's weights.
    public var modelBytes: Int
    /// What each module costs.
    public var modules: [ModuleCostResult]

    public init(
        name: String, title: String, command: String, seed: UInt64, setup: [Fact] = [], machine: MachineFacts,
        stages: [TrainingStage] = [], routing: AbilityResult? = nil, caps: [CapResult] = [], modelBytes: Int,
        modules: [ModuleCostResult] = []
    ) {
        self.schema = Self.currentSchema
        self.name = name
        self.title = title
        self.command = command
        self.seed = seed
        self.setup = setup
        self.machine = machine
        self.stages = stages
        self.routing = routing
        self.caps = caps
        self.modelBytes = modelBytes
        self.modules = modules
    }
}

/// One stage of training: `end to end`, `ability enhancing`.
public struct TrainingStage: Codable, Sendable, Hashable {
    /// The stage's name.
    public var name: String
    /// One point an epoch.
    public var epochs: [TrainingEpoch]

    public init(name: String, epochs: [TrainingEpoch]) {
        self.name = name
        self.epochs = epochs
    }
}

/// Where training stood after an epoch.
public struct TrainingEpoch: Codable, Sendable, Hashable {
    /// The epoch, from 1 on.
    public var epoch: Int
    /// The mean loss over the epoch, all terms together.
    public var loss: Double
    /// The load-balance term, or the KL term, before its weight; absent where there is none.
    public var regularisation: Double?
    /// Accuracy on the proxy's validation data; absent where it was not measured.
    public var validationAccuracy: Double?

    public init(epoch: Int, loss: Double, regularisation: Double? = nil, validationAccuracy: Double? = nil) {
        self.epoch = epoch
        self.loss = loss
        self.regularisation = regularisation
        self.validationAccuracy = validationAccuracy
    }
}

/// The measured costs of one module.
public struct ModuleCostResult: Codable, Sendable, Hashable {
    /// The module's name, as the registry has it: `layer 1, module 3`, `stem`.
    public var module: String
    /// Its kind: expert, bypass, stem, head or selector.
    public var kind: String
    public var parameters: Int
    /// The bytes of its weights.
    public var bytes: Int
    /// Floating-point operations for one example, forwards.
    public var flops: Int
    /// The peak memory that training it adds, in bytes.
    public var peakTrainingMemory: Int

    public init(module: String, kind: String, parameters: Int, bytes: Int, flops: Int, peakTrainingMemory: Int) {
        self.module = module
        self.kind = kind
        self.parameters = parameters
        self.bytes = bytes
        self.flops = flops
        self.peakTrainingMemory = peakTrainingMemory
    }
}
