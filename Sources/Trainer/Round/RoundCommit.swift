import Aggregation
import ECLMCore
import PostgreSQL
import Registry

/// The end of a round: numbers, rows and the channel's move, under the model's lock and therefore short.
struct RoundCommit {
    let round: Round
    let policy: RoundPolicy
    let base: RoundBase
    let connection: PostgresConnection

    /// Writes everything; the caller's transaction commits it.
    ///
    /// - Parameter outcome: Has the counted updates; gets the numbers of the round and its release.
    /// - Throws: ``RegistryError`` whose cause is ``RoundOutdated`` when the channel moved, or a base was rolled back,
    ///   since the round began; `failedPrecondition` where a region's release mirrors none of the parent's.
    func commit(_ product: Round.Product, into outcome: inout RoundOutcome) async throws {
        let accepted = outcome.updates
        _ = try await Registry.lockModel(round.model, on: connection)
        try await checkStillCurrent(accepted)
        let (roundID, number) = try await insertRound()
        outcome.round = number
        try await Provenance(
            actor: round.trainer, reason: "round \(number) of \(accepted.count) update\(accepted.count == 1 ? "" : "s")"
        ).apply(to: connection)
        switch product {
        case .versions(let changed, let seed):
            outcome.newVersions = changed.count
            if !changed.isEmpty { outcome.release = try await insertRelease(changed, round: roundID) }
            try await count(accepted, in: roundID)
            if let seed { try await charge(roundID, seed: seed) }
        case .partials(let partials, let region):
            outcome.partials = partials.count
            try await count(accepted, in: roundID)
            try await insertHandOver(partials, of: accepted, roundID, number, region: region)
        }
    }

    private func checkStillCurrent(_ accepted: [UpdateID]) async throws {
        let now = try await RoundBase.read(model: round.model, channel: round.channel, on: connection)
        guard now.releaseID == base.releaseID else {
            throw RoundOutdated(what: "channel \(round.channel) of \(round.model) moved during the round")
                .asRegistryError
        }
        guard !now.isOnTrial else {
            throw RoundOutdated(what: "a canary of channel \(round.channel) of \(round.model) began during the round")
                .asRegistryError
        }
        // A rollback of another channel can withdraw what the updates were trained on as well.
        guard try await ClaimedUpdate.withdrawnBases(of: accepted, on: connection).isEmpty else {
            throw RoundOutdated(what: "a base of the updates was rolled back during the round").asRegistryError
        }
    }

    private func insertRound() async throws -> (RoundID, Int) {
        let row = try await connection.query(
            """
            INSERT INTO eclm.rounds (model_id, number, base_release_id, rule, policy_revision, trainer, started_at)
            VALUES (\(base.modelID.rawValue),
                (SELECT coalesce(max(number), 0) + 1 FROM eclm.rounds WHERE model_id = \(base.modelID.rawValue)),
                \(base.releaseID.rawValue), \(policy.rule.name), \(policy.revision.map { Int32($0) }),
                \(round.trainer), transaction_timestamp())
            RETURNING round_id, number
            """
        ).one()
        return (RoundID(try row.decode("round_id")), Int(try row.decode("number", as: Int32.self)))
    }

    private func insertRelease(_ changed: [Round.Aggregate], round roundID: RoundID) async throws -> Int {
        let writer = ReleaseWriter(connection: connection)
        let versions = try await writer.insertVersions(
            changed.map { aggregate in
                VersionDraft(
                    moduleID: aggregate.base.moduleID, digest: aggregate.digest, tensors: aggregate.base.tensors,
                    costs: aggregate.base.costs, requirements: aggregate.base.requirements)
            }, of: base.modelID, round: roundID)
        try await Self.carryCosts(from: changed.map(\.base.moduleVersionID), to: versions, on: connection)
        try await insertLineage(changed, versions)
        try await OptimizerState.insert(
            zip(changed, versions).compactMap { aggregate, version in
                aggregate.state.map { .init(version: version, state: $0, parent: aggregate.base.moduleVersionID) }
            }, on: connection)
        var replaced: [ModuleID: ModuleVersionID] = [:]
        for (aggregate, version) in zip(changed, versions) { replaced[aggregate.base.moduleID] = version }
        let entries = try await writer.entries(of: base.releaseID).map { entry in
            var entry = entry
            entry.moduleVersionID = replaced[entry.moduleID] ?? entry.moduleVersionID
            return entry
        }
        let release = try await writer.insertRelease(
            of: base.modelID, parent: base.releaseID, origin: .round, round: roundID, entries: entries)
        try await writer.pointChannel(round.channel, of: base.modelID, to: release.id, action: .round)
        return release.number
    }

    /// New weights of the same shapes cost what the old ones did: what was measured stays valid.
    static func carryCosts(
        from old: [ModuleVersionID], to new: [ModuleVersionID], on connection: PostgresConnection
    ) async throws {
        try await connection.query(
            """
            INSERT INTO eclm.costs (module_version_id, device_class_id, memory, flops, latency_us, measured_at, measured_by)
            SELECT p.new_id, c.device_class_id, c.memory, c.flops, c.latency_us, c.measured_at, c.measured_by
            FROM unnest(\(old.map(\.rawValue)), \(new.map(\.rawValue))) p (old_id, new_id)
            JOIN eclm.costs c ON c.module_version_id = p.old_id
            """)
    }

    private func insertLineage(_ changed: [Round.Aggregate], _ versions: [ModuleVersionID]) async throws {
        try await connection.query(
            """
            INSERT INTO eclm.lineage (module_version_id, parent_version_id, weight)
            SELECT l.id, l.parent, 1 FROM unnest(\(versions.map(\.rawValue)),
                \(changed.map(\.base.moduleVersionID.rawValue))) l (id, parent)
            """)
        var edges: (versions: [Int64], updates: [Int64], weights: [Double]) = ([], [], [])
        for (aggregate, version) in zip(changed, versions) {
            for contribution in aggregate.contributions {
                edges.versions.append(version.rawValue)
                edges.updates.append(contribution.update.rawValue)
                edges.weights.append(contribution.weight)
            }
        }
        try await connection.query(
            """
            INSERT INTO eclm.lineage (module_version_id, update_id, weight)
            SELECT * FROM unnest(\(edges.versions), \(edges.updates), \(edges.weights))
            """)
    }

    private func count(_ accepted: [UpdateID], in roundID: RoundID) async throws {
        let ids = accepted.map(\.rawValue)
        try await connection.query(
            """
            INSERT INTO eclm.round_updates (update_id, model_id, round_id)
            SELECT u, \(base.modelID.rawValue), \(roundID.rawValue) FROM unnest(\(ids)) u
            """)
        let counted = try await connection.query(
            """
            UPDATE eclm.updates SET status = 'aggregated', decided_at = clock_timestamp()
            WHERE update_id = ANY (\(ids)) AND status = 'pending'
            """
        ).rowsAffected
        guard counted == ids.count else {
            throw RoundOutdated(what: "\(ids.count - counted) claimed updates were decided by somebody else")
                .asRegistryError
        }
    }
}
