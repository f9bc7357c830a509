public import ECLMCore

/// What a partial aggregate was made of: a document that its parent keeps, named by its digest.
public struct PartialLineage: Sendable, Hashable, Codable {
    /// The region that made it.
    public var region: String
    /// The rule of every level of the tree, as in `eclm.rounds.rule`.
    public var rule: String
    /// The module's kind.
    public var kind: ModuleKind
    /// The digest of the version that the file is a difference to.
    public var base: Digest
    /// The digest of the file.
    public var file: Digest
    /// The inputs in the order in which they were summed, at least one.
    public var inputs: [Input]

    public init(region: String, rule: String, kind: ModuleKind, base: Digest, file: Digest, inputs: [Input]) {
        self.region = region
        self.rule = rule
        self.kind = kind
        self.base = base
        self.file = file
        self.inputs = inputs
    }

    /// What the inputs weigh together by importance: the importance of the partial aggregate.
    public var importance: Double { inputs.reduce(0) { $0 + $1.importance } }
    /// What the inputs weigh together by samples: the sample count of the partial aggregate.
    public var sampleCount: Int64 { inputs.reduce(0) { $0 + $1.sampleCount } }
    /// Updates of devices in it, through all levels.
    public var updates: Int { inputs.reduce(0) { $0 + $1.updates } }

    /// One update, of a device or of a region further down.
    public struct Input: Sendable, Hashable, Codable {
        /// Its name in the region: the number of the update in the region's registry.
        public var name: String
        /// The digest of its file.
        public var file: Digest
        /// How the file is written.
        public var encoding: UpdateEncoding
        /// The digest of the version that a difference is told to; absent for full weights.
        public var base: Digest?
        /// The module's importance for its data.
        public var importance: Double
        /// Samples it was trained on.
        public var sampleCount: Int64
        /// What it weighs among the inputs: at least 0, together 1.
        public var weight: Double
        /// Updates of devices in it: 1 for a device.
        public var updates: Int
        /// The digest of its own lineage document, where it is a partial aggregate.
        public var lineage: Digest?

        public init(
            name: String, file: Digest, encoding: UpdateEncoding, base: Digest?, importance: Double,
            sampleCount: Int64, weight: Double, updates: Int, lineage: Digest?
        ) {
            self.name = name
            self.file = file
            self.encoding = encoding
            self.base = base
            self.importance = importance
            self.sampleCount = sampleCount
            self.weight = weight
            self.updates = updates
            self.lineage = lineage
        }
    }
}
