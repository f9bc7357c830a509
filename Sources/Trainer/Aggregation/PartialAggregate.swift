public import Core

/// What a region makes of its devices' updates of one module: one update, which its parent aggregates like a device's.
///
/// A weighted mean of weighted means, each weighing what its inputs weigh together, is the weighted mean of all. So a
/// tree of any depth gives what one trainer gives of all updates, but for the rounding of each partial aggregate's
/// differences, to 2⁻²⁴ of their size:
///
///     let north = try await aggregator.partial(of: northern, of: .expert, onto: version, region: "north")
///     let south = try await aggregator.partial(of: southern, of: .expert, onto: version, region: "south")
///     let next = try await aggregator.aggregate([north, south].compactMap { $0?.update(to: version) }, of: .expert, onto: version)
public struct PartialAggregate: Sendable, Hashable {
    /// The difference of the region's mean to the version, as a file in the encoding `delta`.
    public var file: [UInt8]
    /// What went into it.
    public var lineage: Lineage

    /// What a partial aggregate was made of: a document that its parent keeps, named by its digest.
    public struct Lineage: Sendable, Hashable, Codable {
        /// The region that made it.
        public var region: String
        /// The rule of every level of the tree, as ``AggregationRule/name``.
        public var rule: String
        /// The module's kind.
        public var kind: ModuleKind
        /// The digest of the version that the file is a difference to.
        public var base: Digest
        /// The digest of the file.
        public var file: Digest
        /// The inputs in the order in which they were summed, at least one.
        public var inputs: [Input]

        /// What the inputs weigh together by importance: the importance of the partial aggregate.
        public var importance: Double { inputs.reduce(0) { $0 + $1.importance } }
        /// What the inputs weigh together by samples: the sample count of the partial aggregate.
        public var sampleCount: Int64 { inputs.reduce(0) { $0 + $1.sampleCount } }
        /// Updates of devices in it, through all levels.
        public var updates: Int { inputs.reduce(0) { $0 + $1.updates } }
    }

    /// One update, of a device or of a region further down.
    public struct Input: Sendable, Hashable, Codable {
        /// Its name in the region: the number of the device's update, for example.
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
    }

    /// The partial aggregate as an update of its parent.
    ///
    /// - Parameter version: The version that it is a difference to.
    public func update(to version: [UInt8]) throws -> ModuleAggregator.Update {
        var update = ModuleAggregator.Update(
            file: file, encoding: .delta, base: version, importance: lineage.importance,
            sampleCount: lineage.sampleCount)
        update.name = lineage.region
        update.partial = ModuleAggregator.Update.Partial(
            rule: lineage.rule, updates: lineage.updates, lineage: try lineage.digest())
        return update
    }
}
