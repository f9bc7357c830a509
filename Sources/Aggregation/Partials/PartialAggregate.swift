import ECLMCore
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

    /// What a partial aggregate was made of.
    public typealias Lineage = PartialLineage
    /// One update that went into it.
    public typealias Input = PartialLineage.Input

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
