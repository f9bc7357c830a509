import Core
import PostgreSQL
import Registry
import Synchronization

/// Something that moved under a round: it begins anew in a fresh transaction.
struct RoundOutdated: Error {
    var what: String

    /// As the registry's `aborted`, which nothing below the trainer repeats.
    var asRegistryError: RegistryError { RegistryError(.aborted, what, cause: self) }
}

/// The updates a round had claimed when it failed: its transaction is gone, and the locks with it.
final class ClaimLog: Sendable {
    private let ids = Mutex<[UpdateID]>([])

    var updates: [UpdateID] {
        get { ids.withLock { $0 } }
        set { ids.withLock { $0 = newValue } }
    }
}

/// One round, all of it in one transaction.
struct Round: Sendable {
    let registry: Registry
    /// What counts where the model has no policy.
    let settings: RoundPolicy
    let blockMemory: Int
    let trainer: String
    let model: String
    let channel: String
    /// The most updates to claim, where an earlier attempt failed with more.
    let limit: Int?
    /// Replaces the policy's minimum of updates.
    let minimum: Int?
    /// Hold the model's lock from the start, so that the channel cannot move meanwhile.
    let locksFirst: Bool
    let claimed: ClaimLog

    /// A trained module on its way to its new version.
    struct Aggregate: Sendable {
        var base: ModuleVersionRecord
        var digest: Digest
        var contributions: [(update: UpdateID, weight: Double)]
    }

    /// Runs the round.
    ///
    /// - Returns: What it did; `nil` when too little is pending, or the channel has a canary.
    func run() async throws(RegistryError) -> RoundOutcome? {
        try await registry.pool.registryTransaction { connection in try await run(on: connection) }
    }

    private func run(on connection: PostgresConnection) async throws -> RoundOutcome? {
        claimed.updates = []
        try await Provenance(actor: trainer).apply(to: connection)
        if locksFirst { _ = try await Registry.lockModel(model, on: connection) }
        let base = try await RoundBase.read(model: model, channel: channel, on: connection)
        guard !base.isOnTrial else { return nil }
        let policy = try await RoundPolicy.read(of: base.modelID, else: settings, on: connection)
        let updates = try await ClaimedUpdate.claim(
            of: base.modelID, limit: min(limit ?? .max, policy.maximumUpdates), on: connection)
        guard let oldest = updates.map(\.age).max() else { return nil }
        guard updates.count >= minimum ?? policy.minimumUpdates || oldest >= policy.maximumWait else { return nil }
        // Where a failure is narrowed down, the rule sees to each module alone.
        let needed = limit == nil ? policy.rule.minimumContributions : 1
        guard updates.count >= needed else { return nil }
        claimed.updates = updates.map(\.updateID)

        var outcome = RoundOutcome(model: model)
        let versions = try await base.versions(of: Set(updates.flatMap { $0.modules.map(\.moduleID) }), on: connection)
        let bases = try await base.differenceBases(of: updates, on: connection)
        let validation = UpdateValidation(blobs: registry.blobs, versions: versions, bases: bases)
        var changed: [Aggregate] = []
        if let whole = try await aggregateAtOnce(updates, versions, bases, validation, policy, needed, on: connection) {
            (outcome, changed) = whole
        } else {
            var accepted: [ClaimedUpdate] = []
            for update in updates {
                if let reason = try await validation.refusal(of: update) {
                    outcome.quarantined.append(.init(updateID: update.updateID, reason: reason))
                } else {
                    accepted.append(update)
                }
            }
            try await Self.quarantine(outcome.quarantined, on: connection)
            guard accepted.count >= needed else { return outcome }
            changed = try await aggregate(
                accepted, versions, bases, policy, checksUpdates: false, on: connection, into: &outcome)
        }
        outcome.newVersions = changed.count
        try await RoundCommit(round: self, policy: policy, base: base, connection: connection).commit(
            changed, accepted: outcome.updates, into: &outcome)
        return outcome
    }

    /// Reads every blob once, looking at it while it is summed, where the rule is a sum whose weights do not depend on what
    /// the updates hold.
    ///
    /// - Returns: `nil`, with nothing changed, where the rule is another, a module is too large to be read whole, or an
    ///   update is at fault: then all are looked at before any is mixed with others.
    private func aggregateAtOnce(
        _ updates: [ClaimedUpdate], _ versions: [ModuleID: ModuleVersionRecord],
        _ bases: [ModuleVersionID: ModuleVersionRecord], _ validation: UpdateValidation, _ policy: RoundPolicy,
        _ needed: Int, on connection: PostgresConnection
    ) async throws -> (RoundOutcome, [Aggregate])? {
        guard case .weightedSum = policy.rule.method, policy.clipNorm == nil, updates.count >= needed else {
            return nil
        }
        let aggregation = ModuleAggregation(blobs: registry.blobs, rule: policy.rule, blockMemory: blockMemory)
        let sizes =
            updates.flatMap { $0.modules.compactMap(\.size) } + versions.values.map(\.costs.bytes)
            + bases.values.map(\.costs.bytes)
        guard aggregation.readsWhole(sizes) else { return nil }
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
                updates, versions, bases, policy, checksUpdates: true, on: connection, into: &outcome)
            try await connection.query("RELEASE SAVEPOINT aggregated_at_once")
            return (outcome, changed)
        } catch is UpdateFile.Refusal {
            try await connection.query("ROLLBACK TO SAVEPOINT aggregated_at_once")
            return nil
        }
    }

    /// Aggregates the modules that the accepted updates trained.
    private func aggregate(
        _ accepted: [ClaimedUpdate], _ versions: [ModuleID: ModuleVersionRecord],
        _ bases: [ModuleVersionID: ModuleVersionRecord], _ policy: RoundPolicy, checksUpdates: Bool,
        on connection: PostgresConnection, into outcome: inout RoundOutcome
    ) async throws -> [Aggregate] {
        outcome.updates = accepted.map(\.updateID)
        let sources = accepted.sources(bases)
        var changed: [Aggregate] = []
        for version in versions.values.sorted(by: { $0.moduleID < $1.moduleID })
        where policy.rule.trains(version.slot.kind) {
            guard let sources = sources[version.moduleID] else { continue }
            guard sources.count >= policy.rule.minimumContributions else {
                outcome.heldBack.append(version.module)
                continue
            }
            let aggregate = try await aggregate(
                version, from: sources, policy, checksUpdates: checksUpdates, on: connection)
            if aggregate.digest == version.digest {
                outcome.keptVersions += 1
            } else {
                changed.append(aggregate)
                outcome.bytes += version.costs.bytes
            }
        }
        return changed
    }

    /// Aggregates one module and stores the blob.
    private func aggregate(
        _ version: ModuleVersionRecord, from sources: [ModuleAggregation.Source], _ policy: RoundPolicy,
        checksUpdates: Bool, on connection: PostgresConnection
    ) async throws -> Aggregate {
        let aggregation = ModuleAggregation(
            blobs: registry.blobs, rule: policy.rule, clipNorm: policy.clipNorm, blockMemory: blockMemory,
            checksUpdates: checksUpdates)
        let aggregate = try await aggregation.aggregate(sources, onto: version.aggregationBase)
        let (file, weights) = (aggregate.file, aggregate.weights)
        let digest = Digest.of(file)
        if digest != version.digest {
            try await registry.blobs.write(file, digest: digest, on: connection)
        }
        return Aggregate(
            base: version, digest: digest,
            contributions: zip(sources, weights).map { ($0.contribution.updateID, $1) })
    }

    /// Takes updates out of the queue, each with its reason.
    static func quarantine(
        _ refusals: [RoundOutcome.Quarantined], on connection: PostgresConnection
    ) async throws {
        guard !refusals.isEmpty else { return }
        try await connection.query(
            """
            UPDATE eclm.updates u
            SET status = 'quarantined', quarantine_reason = r.reason, decided_at = clock_timestamp()
            FROM unnest(\(refusals.map(\.updateID.rawValue)), \(refusals.map(\.reason))) r (update_id, reason)
            WHERE u.update_id = r.update_id AND u.status = 'pending'
            """)
    }
}
