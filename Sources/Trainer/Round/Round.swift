import Aggregation
import ECLMCore
import PostgreSQL
import Registry
import Synchronization

/// Something that moved under a round: it begins anew in a fresh transaction.
struct RoundOutdated: Error {
    var what: String

    /// As the registry's `aborted`, which nothing below the trainer repeats.
    var asRegistryError: RegistryError { RegistryError(.aborted, what, cause: self) }
}

/// A round that was only tried, and would have been made.
struct RoundProbed: Error {
    var outcome: RoundOutcome
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
    /// The region that makes partial aggregates; `nil` for a round that makes versions.
    let region: String?
    let model: String
    let channel: String
    /// Tries the round with these updates alone, whatever the policy says of their number, and takes it all back; `nil` for
    /// a round that counts.
    var probed: [UpdateID]?
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
        /// What the optimizer remembers with the version; `nil` without one.
        var state: OptimizerState?
    }

    /// What a round made of its updates.
    enum Product: Sendable {
        /// New versions, and what a private round's noise was drawn from.
        case versions([Aggregate], seed: [UInt8]?)
        /// A region's differences, for its parent.
        case partials([Partial], region: String)
    }

    /// Runs the round.
    ///
    /// - Returns: What it did; `nil` when too little is pending, or the channel has a canary.
    func run() async throws(RegistryError) -> RoundOutcome? {
        try await registry.pool.registryTransaction { connection in
            let outcome = try await run(on: connection)
            guard probed != nil, let outcome else { return outcome }
            // What the database would check at the commit.
            try await connection.query("SET CONSTRAINTS ALL IMMEDIATE")
            throw RegistryError(.aborted, "tried, and taken back", cause: RoundProbed(outcome: outcome))
        }
    }

    private func run(on connection: PostgresConnection) async throws -> RoundOutcome? {
        claimed.updates = []
        try await Provenance(actor: trainer).apply(to: connection)
        if locksFirst { _ = try await Registry.lockModel(model, on: connection) }
        let base = try await RoundBase.read(model: model, channel: channel, on: connection)
        guard !base.isOnTrial else { return nil }
        let policy = try await RoundPolicy.read(of: base.modelID, else: settings, on: connection)
        if region != nil { try policy.checkMakesPartials(of: model) }
        let requests = try await RoundRequests.claim(of: base.modelID, on: connection)
        let updates = try await ClaimedUpdate.claim(
            of: base.modelID, limit: policy.maximumUpdates, among: probed, takesTurns: policy.fewestDevices > 1,
            oneOfEachDevice: policy.privacy != nil, on: connection)
        guard let oldest = updates.map(\.age).max() else {
            try await requests.answerIfNothingWaits()
            return nil
        }
        guard
            probed != nil || !requests.isEmpty || updates.count >= minimum ?? policy.minimumUpdates
                || oldest >= policy.maximumWait || updates.reach(policy.quorum, by: policy.rule)
        else { return nil }
        // Where a failure is narrowed down, the rule sees to each module alone.
        func shortage(of updates: [ClaimedUpdate]) -> String? { probed == nil ? policy.shortage(of: updates) : nil }
        if let shortage = shortage(of: updates) {
            try await requests.answer("no round: \(shortage)")
            return nil
        }
        claimed.updates = updates.map(\.updateID)

        var outcome = RoundOutcome(model: model)
        let versions = try await base.versions(of: Set(updates.flatMap { $0.modules.map(\.moduleID) }), on: connection)
        let bases = try await RoundBase.differenceBases(of: updates, all: policy.privacy != nil, on: connection)
        let validation = UpdateValidation(
            blobs: registry.blobs, versions: versions, bases: bases, base: base, policy: policy)
        let product: Product
        // A region's differences are made of updates that were looked at before.
        if region == nil,
            let whole = try await aggregateAtOnce(
                onto: base, updates, versions, bases, validation, policy, on: connection)
        {
            outcome = whole.0
            product = .versions(whole.1, seed: nil)
        } else {
            let accepted = try await accept(updates, by: validation, policy, on: connection, into: &outcome)
            try await Self.quarantine(outcome.quarantined, on: connection)
            guard !accepted.isEmpty, shortage(of: accepted) == nil else {
                try await requests.answer(
                    "no round: \(outcome.quarantined.count) of \(updates.count) updates were quarantined; "
                        + (shortage(of: accepted) ?? "none is left"))
                return outcome
            }
            if let region {
                product = .partials(
                    try await partials(
                        of: accepted, onto: base, versions, bases, policy, region, on: connection, into: &outcome),
                    region: region)
            } else if let mechanism = policy.privacy {
                let seed = GaussianNoise.newSeed()
                let changed = try await aggregatePrivately(
                    accepted, onto: base, bases, by: mechanism, seed: seed, policy, on: connection, into: &outcome)
                product = .versions(changed, seed: seed)
            } else {
                let changed = try await aggregate(
                    accepted, onto: base, versions, bases, policy, checksUpdates: false, on: connection,
                    into: &outcome)
                product = .versions(changed, seed: nil)
            }
        }
        try await RoundCommit(round: self, policy: policy, base: base, connection: connection).commit(
            product, into: &outcome)
        try await answer(requests, with: outcome)
        return outcome
    }

    private func answer(_ requests: RoundRequests, with outcome: RoundOutcome) async throws {
        guard let number = outcome.round else { return }
        try await requests.answer(
            "round \(number) of \(outcome.updates.count) update\(outcome.updates.count == 1 ? "" : "s")", round: number)
    }

    /// Looks at everything that the updates bring, and compares them with others where the policy says so.
    ///
    /// - Returns: Those that count.
    private func accept(
        _ updates: [ClaimedUpdate], by validation: UpdateValidation, _ policy: RoundPolicy,
        on connection: PostgresConnection, into outcome: inout RoundOutcome
    ) async throws -> [ClaimedUpdate] {
        var duplicates =
            policy.refusesDuplicates ? try await DuplicateCheck(of: updates, on: connection) : nil
        var accepted: [ClaimedUpdate] = []
        try await validation.checkVersions()
        let refusals = try await validation.refusals(of: updates)
        for update in updates {
            var reason = refusals[update.updateID]
            if reason == nil { reason = duplicates?.refusal(of: update) }
            if let reason {
                outcome.quarantined.append(.init(updateID: update.updateID, reason: reason))
            } else {
                duplicates?.accept(update)
                accepted.append(update)
            }
        }
        if let mechanism = policy.privacy {
            refuse(
                try await privacyRefusals(of: accepted, by: mechanism, validation, policy, on: connection),
                of: &accepted,
                into: &outcome)
        }
        guard let threshold = policy.normThreshold else { return accepted }
        let check = NormCheck(
            aggregation: ModuleAggregation(
                blobs: registry.blobs, rule: policy.rule, blockMemory: blockMemory), versions: validation.versions,
            threshold: threshold, connection: connection)
        refuse(try await check.refusals(of: accepted), of: &accepted, into: &outcome)
        return accepted
    }

    private func refuse(
        _ refusals: [UpdateID: String], of accepted: inout [ClaimedUpdate], into outcome: inout RoundOutcome
    ) {
        accepted.removeAll { refusals[$0.updateID] != nil }
        outcome.quarantined += refusals.map { .init(updateID: $0, reason: $1) }
        outcome.quarantined.sort { $0.updateID < $1.updateID }
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
