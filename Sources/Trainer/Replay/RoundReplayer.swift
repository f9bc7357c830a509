import Aggregation
import ECLMCore
import PostgreSQL
public import Registry

/// Computes past rounds again from what the database has of them, by the code of a round, and changes nothing.
///
///     let replay = try await RoundReplayer(registry: registry).replay(round: 7, of: "minilm")
///     // replay.isEqual
///
/// Everything a round depends on is immutable and kept: its updates, their blobs and encodings, the versions that
/// differences are told to, the base release, the rule and the policy's revision.
public struct RoundReplayer: Sendable {
    private let registry: Registry
    private let blockMemory: Int

    /// A replayer; it needs a reader's rights alone, and of private rounds a trainer's: they alone may read its seed.
    ///
    /// - Parameter blockMemory: As ``TrainerPolicy/blockMemory``: of no influence on the outcome.
    public init(registry: Registry, blockMemory: Int = TrainerPolicy().blockMemory) {
        self.registry = registry
        self.blockMemory = blockMemory
    }

    /// Computes a round again.
    ///
    /// - Throws: ``TrainerError`` with `notFound` for an unknown model or round; with `registryUnfit` where the round
    ///   cannot be computed again as a whole: a rule that this program does not have, or one with parameters that were
    ///   not recorded; with `permissionDenied` for a private round without the right to its seed. What is wrong with one
    ///   module is told in its line.
    public func replay(round: Int, of model: String) async throws(TrainerError) -> RoundReplay {
        do {
            return try await registryErrors { try await compute(round, of: model) }
        } catch {
            throw TrainerError(error)
        }
    }

    private func compute(_ number: Int, of model: String) async throws -> RoundReplay {
        let record = try await registry.pool.registryTransaction(readOnly: true) { connection in
            try await RecordedRound.read(number, of: model, in: registry.vocabulary, on: connection)
        }
        let sources = try record.updates.sources(record.differenceBases, since: record.base)
        var replay = RoundReplay(
            model: model, round: number, baseRelease: record.base.number, rule: record.policy.rule.name,
            policyRevision: record.policy.revision, updates: record.updates.count, modules: [])
        if let handedOver = record.handedOver {
            let maker = PartialMaker(
                aggregation: ModuleAggregation(
                    blobs: registry.blobs, rule: record.policy.rule, blockMemory: blockMemory),
                region: handedOver.region, updates: record.updates, sources: sources, bases: record.differenceBases)
            for moduleID in Set(sources.keys).union(handedOver.partials.keys).sorted() {
                guard let base = record.bases[moduleID] else { continue }
                if let module = try await compute(base, handedOver.partials[moduleID], maker) {
                    replay.modules.append(module)
                }
            }
            return replay
        }
        if let mechanism = record.policy.privacy {
            replay.modules = try await computePrivately(record, mechanism)
            return replay
        }
        let trained = Set(sources.keys).union(record.made.keys).sorted()
        for moduleID in trained {
            guard let base = record.bases[moduleID] else { continue }
            let module = try await compute(
                base, record.made[moduleID], sources[moduleID] ?? [], record.policy,
                record.states[base.moduleVersionID])
            if let module {
                replay.modules.append(module)
            }
        }
        if !record.recomputed.isEmpty {
            let blobs = try DifferenceBlobs(over: registry.blobs)
            for version in record.recomputed {
                if let module = try await compute(version, record, blobs) { replay.modules.append(module) }
                blobs.removeDifferences()
            }
        }
        return replay
    }

    /// What a region's round made of a module; `nil` where the rule makes nothing of it, and nothing was made.
    private func compute(
        _ base: ModuleVersionRecord, _ made: (digest: Digest, lineage: Digest)?, _ maker: PartialMaker
    ) async throws -> RoundReplay.Module? {
        var module = RoundReplay.Module(
            module: base.module, baseVersion: base.version, version: nil,
            updates: maker.sources[base.moduleID]?.count ?? 0, recorded: made?.digest ?? base.digest)
        var isTrained = true
        try await explain(&module) { module in
            guard let (_, lineage) = try await maker.partial(onto: base) else {
                isTrained = false
                return
            }
            module.recomputed = lineage.file
            if try lineage.digest() != made?.lineage { module.problem = "the lineage is another document" }
        }
        if !isTrained, made != nil { module.problem = "the rule makes nothing of the round's updates of this module" }
        return isTrained || made != nil ? module : nil
    }

    /// A version that a rollback made of the round.
    private func compute(
        _ version: RecordedRound.Recomputed, _ record: RecordedRound, _ blobs: DifferenceBlobs
    ) async throws -> RoundReplay.Module? {
        var module = RoundReplay.Module(
            module: version.record.module, baseVersion: version.parent?.version ?? 0, version: version.record.version,
            withoutDevice: version.withoutDevice, updates: version.inputs.count, recorded: version.record.digest)
        guard let parent = version.parent else {
            module.problem = "the lineage has no parent"
            return module
        }
        try await explain(&module) { module in
            var sources: [RoundSource] = []
            for input in version.inputs {
                let update = record.updates.first { $0.updateID == input.update }
                let brought = update?.modules.first { $0.moduleID == version.record.moduleID }
                guard let update, let brought, let trainedFrom = record.inputVersions[brought.baseVersionID],
                    let base = record.inputVersions[input.applied ?? brought.baseVersionID]
                else {
                    module.problem = "the lineage has other updates than the round"
                    return
                }
                sources.append(
                    RoundSource(
                        update: input.update, importance: brought.importance, sampleCount: brought.sampleCount,
                        staleness: record.base.staleness(of: update),
                        file: try await Recomputation.file(brought, trainedFrom: trainedFrom, onto: base, in: blobs)))
            }
            let aggregation = ModuleAggregation(
                blobs: blobs, rule: record.policy.rule, clipNorm: record.policy.clipNorm, blockMemory: blockMemory)
            let aggregate = try await aggregation.aggregate(sources, onto: parent.aggregationBase)
            let next = try await record.policy.step(
                from: parent.aggregationBase, toward: aggregate.file, record.states[parent.moduleVersionID], in: blobs)
            module.recomputed = Digest.of(next.file)
            if aggregate.weights != version.inputs.map(\.weight) { module.problem = "the lineage has other weights" }
            if next.memory?.state.file.digest != version.state { module.problem = Self.otherMemory }
        }
        return module
    }

    private static let otherMemory = "what the optimizer left with the version is something else"

    /// Runs `body`, and tells in the module's line of what is wrong with its inputs.
    private func explain(
        _ module: inout RoundReplay.Module, _ body: (inout RoundReplay.Module) async throws -> Void
    ) async throws {
        do {
            try await body(&module)
        } catch let error as SafetensorsError {
            module.problem = "an input cannot be used: \(error.message)"
        } catch let error as UpdateError {
            module.problem = "an input cannot be used: \(error.message)"
        } catch {
            let error = RegistryError(wrapping: error)
            guard [.dataLoss, .notFound, .invalidArgument].contains(error.code) else { throw error }
            module.problem = "an input cannot be used: \(error.message)"
        }
    }

    /// One module; `nil` where the rule makes nothing of it, and nothing was made.
    private func compute(
        _ base: ModuleVersionRecord, _ made: RecordedRound.Made?, _ sources: [RoundSource],
        _ policy: RoundPolicy, _ state: OptimizerState?
    ) async throws -> RoundReplay.Module? {
        var module = RoundReplay.Module(
            module: base.module, baseVersion: base.version, version: made?.version, updates: sources.count,
            recorded: made?.digest ?? base.digest)
        guard policy.rule.trains(base.slot.kind), !sources.isEmpty, sources.count >= policy.rule.minimumContributions
        else {
            guard made != nil else { return nil }
            module.problem = "the rule makes no version of \(sources.count) updates of this module"
            return module
        }
        try await explain(&module) { module in
            let aggregation = ModuleAggregation(
                blobs: registry.blobs, rule: policy.rule, clipNorm: policy.clipNorm, blockMemory: blockMemory)
            let aggregate = try await aggregation.aggregate(sources, onto: base.aggregationBase)
            try await compare(
                aggregate.file, aggregate.weights(of: sources), base, made,
                policy,
                state, in: &module)
        }
        return module
    }

    /// The modules of a private round, all from the round's seed.
    private func computePrivately(
        _ record: RecordedRound, _ mechanism: PrivacyMechanism
    ) async throws -> [RoundReplay.Module] {
        var sum: PrivateSum?
        var modules: [RoundReplay.Module] = []
        let bases = record.bases.values.filter { record.policy.rule.trains($0.slot.kind) }
        for base in bases.sorted(by: { $0.moduleID < $1.moduleID }) {
            let made = record.made[base.moduleID]
            var module = RoundReplay.Module(
                module: base.module, baseVersion: base.version, version: made?.version,
                updates: record.updates.filter { $0.modules.contains { $0.moduleID == base.moduleID } }.count,
                recorded: made?.digest ?? base.digest)
            try await explain(&module) { module in
                let known =
                    if let sum {
                        sum
                    } else {
                        try await PrivateSum(
                            of: record.updates, record.differenceBases, onto: record.bases, by: mechanism,
                            ModuleAggregation(
                                blobs: registry.blobs, rule: record.policy.rule, blockMemory: blockMemory))
                    }
                sum = known
                try await compare(
                    try await known.file(of: base, seed: record.seed ?? []), known.weights, base, made, record.policy,
                    record.states[base.moduleVersionID], in: &module)
            }
            modules.append(module)
        }
        return modules
    }

    /// Compares what comes of an aggregate, by way of the optimizer, with what the round made.
    private func compare(
        _ aggregate: [UInt8], _ weights: [(update: UpdateID, weight: Double)], _ base: ModuleVersionRecord,
        _ made: RecordedRound.Made?, _ policy: RoundPolicy, _ state: OptimizerState?,
        in module: inout RoundReplay.Module
    ) async throws {
        let next = try await policy.step(from: base.aggregationBase, toward: aggregate, state, in: registry.blobs)
        module.recomputed = Digest.of(next.file)
        if let made {
            module.problem =
                made.difference(from: base, weights)
                ?? (made.state == next.memory?.state.file.digest ? nil : Self.otherMemory)
        }
    }
}

extension RecordedRound.Made {
    /// How the version's lineage differs from what was computed; `nil` where it does not.
    fileprivate func difference(
        from base: ModuleVersionRecord, _ weights: [(update: UpdateID, weight: Double)]
    ) -> String? {
        guard parent == base.moduleVersionID else {
            return "the lineage has another parent than the base release's version"
        }
        let recomputed = Dictionary(
            weights.map { ($0.update, $0.weight) }, uniquingKeysWith: { first, _ in first })
        guard Set(recomputed.keys) == Set(self.weights.keys) else {
            return "the lineage has other updates than the round"
        }
        guard recomputed == self.weights else { return "the lineage has other weights" }
        return nil
    }
}
