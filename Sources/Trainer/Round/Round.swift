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
    let rule: any AggregationRule
    let trainer: String
    let model: String
    let channel: String
    /// The most updates to claim.
    let limit: Int
    /// Fewer than this make no round unless the oldest has waited ``maximumWait``.
    let minimum: Int
    let maximumWait: Duration
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
    /// - Returns: What it did; `nil` when too little is pending.
    func run() async throws(RegistryError) -> RoundOutcome? {
        try await registry.pool.registryTransaction { connection in try await run(on: connection) }
    }

    private func run(on connection: PostgresConnection) async throws -> RoundOutcome? {
        claimed.updates = []
        try await Provenance(actor: trainer).apply(to: connection)
        if locksFirst { _ = try await Registry.lockModel(model, on: connection) }
        let base = try await RoundBase.read(model: model, channel: channel, on: connection)
        let updates = try await ClaimedUpdate.claim(of: base.modelID, limit: limit, on: connection)
        guard let oldest = updates.map(\.age).max() else { return nil }
        guard updates.count >= minimum || oldest >= maximumWait else { return nil }
        claimed.updates = updates.map(\.updateID)

        var outcome = RoundOutcome(model: model)
        let versions = try await base.versions(of: Set(updates.flatMap { $0.modules.map(\.moduleID) }), on: connection)
        let validation = UpdateValidation(registry: registry, versions: versions)
        var accepted: [ClaimedUpdate] = []
        for update in updates {
            if let reason = try await validation.refusal(of: update) {
                outcome.quarantined.append(.init(updateID: update.updateID, reason: reason))
            } else {
                accepted.append(update)
            }
        }
        try await Self.quarantine(outcome.quarantined, on: connection)
        guard !accepted.isEmpty else { return outcome }
        outcome.updates = accepted.map(\.updateID)

        var parts: [ModuleID: [Part]] = [:]
        for update in accepted {
            for module in update.modules { parts[module.moduleID, default: []].append(Part(update, module)) }
        }
        var changed: [Aggregate] = []
        for version in versions.values.sorted(by: { $0.moduleID < $1.moduleID }) where rule.trains(version.slot.kind) {
            guard let parts = parts[version.moduleID] else { continue }
            let aggregate = try await aggregate(version, from: parts, on: connection)
            if aggregate.digest == version.digest {
                outcome.keptVersions += 1
            } else {
                changed.append(aggregate)
                outcome.bytes += version.costs.bytes
            }
        }
        outcome.newVersions = changed.count
        try await RoundCommit(round: self, base: base, connection: connection).commit(
            changed, accepted: outcome.updates, into: &outcome)
        return outcome
    }

    /// One update's weights for one module.
    private struct Part {
        var contribution: Contribution
        var digest: Digest
        var size: Int64

        init(_ update: ClaimedUpdate, _ module: ClaimedUpdate.Module) {
            contribution = Contribution(
                updateID: update.updateID, importance: module.importance, sampleCount: module.sampleCount)
            digest = module.digest
            size = module.size ?? 0
        }
    }

    /// Aggregates one module and stores the blob.
    private func aggregate(
        _ version: ModuleVersionRecord, from parts: [Part], on connection: PostgresConnection
    ) async throws -> Aggregate {
        let contributions = parts.map(\.contribution)
        let weights = rule.weights(of: contributions, kind: version.slot.kind)
        guard weights.count == parts.count, weights.allSatisfy({ (0...1).contains($0) }) else {
            throw RegistryError(.internal, "rule \(rule.name) gave no weights for \(version.module)")
        }
        let sources = zip(parts, weights).map { part, weight in
            ModuleAggregation.Source(digest: part.digest, size: part.size, weight: weight)
        }
        let file = try await ModuleAggregation(registry: registry).aggregate(sources, onto: version)
        let digest = Digest.of(file)
        if digest != version.digest {
            let source = AsyncStream<[UInt8]> { continuation in
                continuation.yield(file)
                continuation.finish()
            }
            try await registry.blobs.write(source, digest: digest, size: Int64(file.count), on: connection)
        }
        return Aggregate(
            base: version, digest: digest, contributions: zip(contributions, weights).map { ($0.updateID, $1) })
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
