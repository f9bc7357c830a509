public import ECLMCore

/// A past round computed again, beside what it wrote.
public struct RoundReplay: Sendable, Hashable {
    /// One module that updates of the round trained.
    public struct Module: Sendable, Hashable {
        /// The module's name.
        public var module: String
        /// The version that the updates were folded onto.
        public var baseVersion: Int
        /// The version that the round made; `nil` where the module kept its version.
        public var version: Int?
        /// The device that the version leaves out, where a rollback made it of the round; `nil` for the round's own.
        public var withoutDevice: String?
        /// Updates of the round that trained it.
        public var updates: Int
        /// The digest of the version that came of it: the base's where the module kept its version.
        public var recorded: Digest
        /// The digest of what comes of the same inputs now; `nil` where it cannot be computed.
        public var recomputed: Digest?
        /// Why it cannot be computed, or how the lineage differs; `nil` where there is nothing to say.
        public var problem: String?

        /// Whether the bytes and the lineage are those of the round, bit for bit.
        public var isEqual: Bool { recorded == recomputed && problem == nil }
    }

    /// The model's name.
    public var model: String
    /// The round's number.
    public var round: Int
    /// The release it started from.
    public var baseRelease: Int
    /// The rule it recorded.
    public var rule: String
    /// The policy it followed; `nil` for the trainer's own settings.
    public var policyRevision: Int?
    /// Updates it counted.
    public var updates: Int
    /// The modules, in the order of the model. Those that the rule does not train, or that it held back, are left out.
    public var modules: [Module]

    /// Whether every module came out as it was recorded.
    public var isEqual: Bool { modules.allSatisfy(\.isEqual) }
}
