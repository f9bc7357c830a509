public import Datasets
public import Learning

/// What an experiment is: data, nets, methods, seeds, and how much of each.
///
/// A value that reads and writes as JSON: equal settings give equal results, times aside.
public struct ExperimentSettings: Sendable, Codable {
    /// One row of the main table.
    public struct Row: Sendable, Codable {
        /// The row's name, unique in its experiment.
        public var name: String
        /// A word for the command line, unique in its experiment: `m2`.
        public var key: String
        /// Data and devices; the seed is replaced by the run's.
        public var task: TaskSettings
        /// The cloud's network.
        public var network: NetworkSpecification

        public init(name: String, key: String, task: TaskSettings, network: NetworkSpecification) {
            self.name = name
            self.key = key
            self.task = task
            self.network = network
        }
    }

    /// Accuracy against size caps.
    public struct Caps: Sendable, Codable, Hashable {
        /// Shares of the full model, ascending.
        public var shares: [Double]
        /// Rounds before fine-tuning; 0 tells what the prototype's modules are worth by themselves.
        public var rounds: Int
        /// The methods, of ours and its ablations.
        public var methods: [MethodCode]

        public init(
            shares: [Double], rounds: Int = 0,
            methods: [MethodCode] = [.ours, .oursNoAbilityEnhancing, .oursRandomModules]
        ) {
            self.shares = shares
            self.rounds = rounds
            self.methods = methods
        }
    }

    /// The continuous run.
    public struct Continuous: Sendable, Codable, Hashable {
        /// Steps, each of which replaces half of every device's data (100 in the paper).
        public var steps: Int
        /// The first so many devices of the task.
        public var devices: Int
        public var methods: [MethodCode]

        public init(
            steps: Int, devices: Int,
            methods: [MethodCode] = [.noAdaptation, .localAdaptation, .fedAvgFineTuned, .ours]
        ) {
            self.steps = steps
            self.devices = devices
            self.methods = methods
        }
    }

    /// The experiment's name: `har`, `images`, `speech`.
    public var name: String
    /// The heading of its report.
    public var title: String
    /// The preset that the settings come from.
    public var preset: String
    public var rows: [Row]
    /// One run of each method a seed.
    public var seeds: [UInt64]
    public var methods: [MethodCode]
    /// Rounds, epochs, batches.
    public var federation: FederationSettings
    /// The choice of hyperparameters.
    public var search: SearchSettings
    /// How the cloud trains modular networks.
    public var prototype: PrototypeSettings
    /// How the cloud trains the nets of the baselines.
    public var baseline: TrainingSettings
    /// How our method exchanges weights.
    public var exchange: CloudSettings
    /// Accuracy against size caps; absent: not measured.
    public var caps: Caps?
    /// The continuous run; absent: not run.
    public var continuous: Continuous?

    public init(
        name: String, title: String, preset: String, rows: [Row], seeds: [UInt64], methods: [MethodCode],
        federation: FederationSettings, search: SearchSettings, prototype: PrototypeSettings,
        baseline: TrainingSettings, exchange: CloudSettings = .init(), caps: Caps? = nil, continuous: Continuous? = nil
    ) {
        self.name = name
        self.title = title
        self.preset = preset
        self.rows = rows
        self.seeds = seeds
        self.methods = methods
        self.federation = federation
        self.search = search
        self.prototype = prototype
        self.baseline = baseline
        self.exchange = exchange
        self.caps = caps
        self.continuous = continuous
    }
}

extension ExperimentSettings {
    /// The settings themselves, where their parts fit together.
    ///
    /// - Throws: ``ExperimentError`` with `settings`, ``DatasetError`` or ``LearningError`` that say what to change.
    public func validated() throws -> ExperimentSettings {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            guard condition else { throw ExperimentError(.settings, message()) }
        }
        try require(!rows.isEmpty && !seeds.isEmpty && !methods.isEmpty, "an experiment needs rows, seeds and methods")
        try require(Set(rows.map(\.key)).count == rows.count, "two rows have the same key")
        try require(Set(rows.map(\.name)).count == rows.count, "two rows have the same name")
        try require(Set(seeds).count == seeds.count, "a seed is given twice")
        if let unknown = methods.first(where: { !MethodCode.known.contains($0) }) {
            throw ExperimentError(
                .settings,
                "there is no method \(unknown); there are \(MethodCode.known.map(\.rawValue).joined(separator: ", "))")
        }
        try federation.validate()
        try search.validate()
        for row in rows {
            try row.task.validate()
            _ = try row.network.validated()
        }
        if let caps {
            try require(
                !caps.shares.isEmpty && caps.shares.allSatisfy { $0 > 0 && $0 <= 1 },
                "size caps are shares above 0 and at most 1")
            try require(
                caps.methods.allSatisfy { ModularVariant(method: $0) != nil },
                "size caps are measured for ours and its ablations")
        }
        if let continuous {
            try require(
                (1...10_000).contains(continuous.steps) && continuous.devices >= 1,
                "a continuous run takes 1 to 10000 steps and at least one device")
            try require(
                continuous.methods.allSatisfy(ContinuousStream.methods.contains),
                "there are continuous runs of \(ContinuousStream.methods.map(\.rawValue).joined(separator: ", "))")
        }
        return self
    }

    /// Only some rows, methods and seeds.
    ///
    /// - Throws: ``ExperimentError`` with `settings` for a row or method that is not there.
    public func narrowed(rows keys: [String]?, methods codes: [MethodCode]?, seeds count: Int?) throws
        -> ExperimentSettings
    {
        var settings = self
        if let keys {
            if let unknown = keys.first(where: { key in !rows.contains { $0.key == key } }) {
                throw ExperimentError(
                    .settings,
                    "\(name) has no row \(unknown); it has \(rows.map(\.key).joined(separator: ", "))")
            }
            settings.rows = rows.filter { keys.contains($0.key) }
        }
        if let codes { settings.methods = codes }
        if let count {
            guard (1...100).contains(count) else {
                throw ExperimentError(.settings, "\(count) seeds; it takes 1 to 100")
            }
            settings.seeds = (1...UInt64(count)).map { $0 }
        }
        return try settings.validated()
    }
}
