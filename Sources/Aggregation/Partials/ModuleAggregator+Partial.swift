public import ECLMCore

extension ModuleAggregator {
    /// The most characters of an update's name.
    static let maximumName = 256

    /// Makes one update of those of a region.
    ///
    /// - Parameters:
    ///   - updates: Of devices, or partial aggregates of regions further down.
    ///   - kind: What the module is.
    ///   - base: The version that the result is told to as a difference: the one that the parent folds onto, or another
    ///     with the same tensors.
    ///   - region: Who makes it, for the lineage.
    /// - Returns: `nil` where the rule makes nothing of it: no update, or a kind that it does not train.
    /// - Throws: ``AggregationError`` with `invalidPolicy` for a rule that must see every update by itself, for `clipNorm` and
    ///   for an optimizer;
    ///   else as ``aggregate(_:of:onto:from:)``.
    public func partial(
        of updates: [Update], of kind: ModuleKind, onto base: [UInt8], region: String
    ) async throws -> PartialAggregate? {
        guard rule.mergesPartials, clipNorm == nil else {
            throw AggregationError(
                .invalidPolicy,
                clipNorm == nil
                    ? "rule \(rule.name) must see every update by itself, so regions cannot aggregate for it; use "
                        + "importance_mean or sample_mean, or aggregate all updates in one place"
                    : "clip_norm is told of each update's difference, not of a region's; leave it out, or aggregate all "
                        + "updates in one place")
        }
        guard optimizer.optimizer == nil else {
            throw AggregationError(
                .invalidPolicy,
                "the optimizer \(optimizer.definition.name) is the root's alone: what a region makes is no version yet")
        }
        guard rule.trains(kind), !updates.isEmpty else { return nil }
        let inputs = try inputs(of: updates, of: kind, onto: base)
        if checksValues { try check(inputs.sources.map(\.update), updates, against: inputs.current) }
        let aggregate = try await ModuleAggregation(
            blobs: inputs.blobs, rule: rule, blockMemory: blockMemory, cores: cores
        ).partial(inputs.sources, onto: inputs.current)
        let version = Digest.of(base)
        let lineage = PartialAggregate.Lineage(
            region: region, rule: rule.name, kind: kind, base: version, file: Digest.of(aggregate.file),
            inputs: updates.enumerated().map { number, update in
                PartialAggregate.Input(
                    name: update.name ?? String(number + 1), file: Digest.of(update.file),
                    encoding: update.encoding,
                    base: update.encoding.isDifference ? update.base.map { Digest.of($0) } ?? version : nil,
                    importance: update.importance, sampleCount: update.sampleCount,
                    weight: aggregate.weights[number], updates: update.partial?.updates ?? 1,
                    lineage: update.partial?.lineage)
            })
        try lineage.check()
        return PartialAggregate(file: aggregate.file, lineage: lineage)
    }

    /// Refuses a partial aggregate that another rule made, or that this one cannot weigh.
    func checkPartial(_ update: Update, _ number: Int) throws {
        guard (1...Self.maximumName).contains(update.name?.utf8.count ?? 1) else {
            throw AggregationError(
                .invalidWeights, "update \(number) has a name of more than \(Self.maximumName) bytes")
        }
        guard let partial = update.partial else { return }
        guard rule.mergesPartials, clipNorm == nil, partial.rule == rule.name else {
            throw AggregationError(
                .invalidWeights,
                "update \(number) is a partial aggregate by \(partial.rule), of which "
                    + (clipNorm == nil ? "rule \(rule.name)" : "a rule with clip_norm")
                    + " cannot make what it would make of the devices' updates; have the same mean at every level")
        }
    }
}
