import Aggregation
import ECLMCore
import PostgreSQL
import Registry

extension Round {
    /// Reads every blob once, looking at it while it is summed, where the rule is a sum whose weights do not depend on what
    /// the updates hold.
    ///
    /// - Returns: `nil`, with nothing changed, where the rule is another, the updates are to be compared with others, a
    ///   module is too large to be read whole, or an update is at fault: then all are looked at before any is mixed with
    ///   others.
    func aggregateAtOnce(
        onto base: RoundBase, _ updates: [ClaimedUpdate], _ versions: [ModuleID: ModuleVersionRecord],
        _ bases: [ModuleVersionID: ModuleVersionRecord], _ validation: UpdateValidation, _ policy: RoundPolicy,
        on connection: PostgresConnection
    ) async throws -> (RoundOutcome, [Aggregate])? {
        guard case .weightedSum = policy.rule.method, policy.clipNorm == nil, policy.normThreshold == nil,
            !policy.refusesDuplicates
        else { return nil }
        let aggregation = ModuleAggregation(blobs: registry.blobs, rule: policy.rule, blockMemory: blockMemory)
        let sizes =
            updates.flatMap { $0.modules.compactMap(\.size) } + versions.values.map(\.costs.bytes)
            + bases.values.map(\.costs.bytes)
        guard aggregation.readsWhole(sizes) else { return nil }
        try await validation.checkVersions(atOnce: true)
        // Modules that are not summed are looked at by themselves.
        var counts: [ModuleID: Int] = [:]
        for module in updates.flatMap(\.modules) { counts[module.moduleID, default: 0] += 1 }
        let summed = Set(
            versions.values.filter {
                policy.rule.trains($0.slot.kind) && counts[$0.moduleID, default: 0] >= policy.rule.minimumContributions
            }.map(\.moduleID))
        for update in updates {
            let reason = try await validation.refusal(of: update) { summed.contains($0.moduleID) }
            guard reason == nil else { return nil }
        }
        try await connection.query("SAVEPOINT aggregated_at_once")
        do {
            var outcome = RoundOutcome(model: model)
            let changed = try await aggregate(
                updates, onto: base, versions, bases, policy, checksUpdates: true, on: connection, into: &outcome)
            try await connection.query("RELEASE SAVEPOINT aggregated_at_once")
            return (outcome, changed)
        } catch  where error is UpdateFile.Refusal || (error as? any StoredBytesError)?.isDamage == true {
            // Looking at each by itself tells which one it is.
            try await connection.query("ROLLBACK TO SAVEPOINT aggregated_at_once")
            return nil
        }
    }

    /// Aggregates the modules that the accepted updates trained.
    func aggregate(
        _ accepted: [ClaimedUpdate], onto base: RoundBase, _ versions: [ModuleID: ModuleVersionRecord],
        _ bases: [ModuleVersionID: ModuleVersionRecord], _ policy: RoundPolicy, checksUpdates: Bool,
        on connection: PostgresConnection, into outcome: inout RoundOutcome
    ) async throws -> [Aggregate] {
        outcome.updates = accepted.map(\.updateID)
        let sources = try accepted.sources(bases, since: base)
        var trained: [(version: ModuleVersionRecord, sources: [RoundSource])] = []
        for version in versions.values.sorted(by: { $0.moduleID < $1.moduleID })
        where policy.rule.trains(version.slot.kind) {
            guard let sources = sources[version.moduleID] else { continue }
            guard sources.count >= policy.rule.minimumContributions else {
                outcome.heldBack.append(version.module)
                continue
            }
            trained.append((version, sources))
        }
        let aggregation = ModuleAggregation(
            blobs: registry.blobs, rule: policy.rule, clipNorm: policy.clipNorm, blockMemory: blockMemory,
            checksUpdates: checksUpdates)
        var changed: [Aggregate] = []
        // While one module is stored over the round's connection, the next one is read over another.
        try await withThrowingTaskGroup(of: ModuleAggregation.Aggregate.self) { group in
            var following = trained.makeIterator()
            func start() {
                guard let (version, sources) = following.next() else { return }
                group.addTask { try await aggregation.aggregate(sources, onto: version.aggregationBase) }
            }
            start()
            for (version, sources) in trained {
                guard let made = try await group.next() else { break }
                start()
                let aggregate = try await store(made, of: version, from: sources, policy, on: connection)
                outcome.count(aggregate, among: &changed)
            }
        }
        return changed
    }

    /// Stores what came of a module.
    private func store(
        _ aggregate: ModuleAggregation.Aggregate, of version: ModuleVersionRecord,
        from sources: [RoundSource], _ policy: RoundPolicy, on connection: PostgresConnection
    ) async throws -> Aggregate {
        try await store(
            aggregate.file, of: version, aggregate.weights(of: sources),
            policy, on: connection)
    }

    /// Stores what a module becomes: its aggregate, or what the optimizer makes of it.
    func store(
        _ file: [UInt8], of version: ModuleVersionRecord, _ weights: [(update: UpdateID, weight: Double)],
        _ policy: RoundPolicy, on connection: PostgresConnection
    ) async throws -> Aggregate {
        var result = Aggregate(base: version, digest: version.digest, contributions: weights)
        let base = version.aggregationBase
        let id = version.moduleVersionID
        let state = policy.optimizer == nil ? nil : try await OptimizerState.read(of: [id], on: connection)[id]
        let next = try await policy.step(from: base, toward: file, state, in: registry.blobs)
        result.digest = Digest.of(next.file)
        guard result.digest != version.digest else { return result }
        try await registry.blobs.write(next.file, digest: result.digest, on: connection)
        guard let memory = next.memory else { return result }
        do {
            try await registry.blobs.write(memory.bytes, digest: memory.state.file.digest, on: connection)
        } catch {
            throw OptimizerStep.unfit(base, error)
        }
        result.state = memory.state
        return result
    }
}

extension RoundOutcome {
    /// Takes a module's outcome in: a version that changed, or one that stays.
    mutating func count(_ aggregate: Round.Aggregate, among changed: inout [Round.Aggregate]) {
        if aggregate.digest == aggregate.base.digest {
            keptVersions += 1
        } else {
            changed.append(aggregate)
            bytes += aggregate.base.costs.bytes
        }
    }
}
