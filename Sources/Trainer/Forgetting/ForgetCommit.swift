import Aggregation
import ECLMCore
import PostgreSQL
import Registry

/// The end of a rollback without a device: versions, release, channel move and withdrawals, under the model's lock.
struct ForgetCommit {
    let model: String
    let channel: String
    let removal: DeviceRemoval
    let provenance: Provenance
    let connection: PostgresConnection

    /// Holds what a commit changes: the device's pending updates, then the model, in the order of a round.
    ///
    /// - Returns: The pending updates that the removal covers.
    func lock(of modelID: ModelID, newestRound: Int) async throws -> [UpdateID] {
        let pending = try await Self.pending(
            removal, of: modelID, newestRound: newestRound, locked: true, on: connection)
        _ = try await Registry.lockModel(model, on: connection)
        return pending
    }

    /// The device's pending updates that the removal covers, where the next round would count them.
    static func pending(
        _ removal: DeviceRemoval, of modelID: ModelID, newestRound: Int, locked: Bool,
        on connection: PostgresConnection
    ) async throws -> [UpdateID] {
        guard Int(removal.sinceRound ?? 0) <= newestRound + 1 else { return [] }
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return try await connection.query(
            """
            SELECT update_id FROM eclm.updates
            WHERE model_id = \(modelID.rawValue) AND device_id = \(removal.device) AND status = 'pending'
                AND submitted_at >= coalesce(\(removal.sinceTime), '-infinity')
            ORDER BY update_id \(lock)
            """
        ).map { UpdateID(try $0.decode("update_id")) }
    }

    /// - Throws: ``RegistryError`` whose cause is ``RoundOutdated`` where the channel moved or a round was made.
    func checkStillCurrent(_ history: RoundHistory) async throws {
        let now = try await RoundBase.read(model: model, channel: channel, on: connection)
        let newest: Int32 = try await connection.query(
            "SELECT coalesce(max(number), 0) AS number FROM eclm.rounds WHERE model_id = \(history.modelID.rawValue)"
        ).one().decode("number")
        guard now.releaseID == history.channelRelease, Int(newest) == history.newestRound else {
            throw RoundOutdated(what: "channel \(channel) of \(model) moved, or a round was made meanwhile")
                .asRegistryError
        }
    }

    /// Takes the device's pending updates out of the queue.
    func quarantine(_ updates: [UpdateID]) async throws {
        let reason = "device \(removal.device) was left out by a rollback: \(provenance.reason)"
        try await Round.quarantine(
            updates.map { .init(updateID: $0, reason: String(reason.prefix(UpdateValidation.maximumReason))) },
            on: connection)
    }

    /// Writes versions and release, and moves the channel.
    ///
    /// - Returns: The rows of the new versions by step.
    func write(_ computed: Recomputation, into outcome: inout ForgetOutcome) async throws -> [Int: ModuleVersionID] {
        let history = computed.plan.history
        let writer = ReleaseWriter(connection: connection)
        var ids: [Int: ModuleVersionID] = [:]
        // One version of each module at a time: the next one is numbered after it.
        var batch: [Recomputation.Made] = []
        var modules: Set<ModuleID> = []
        for made in computed.made {
            if !modules.insert(made.version.record.moduleID).inserted {
                try await write(batch, of: history.modelID, writer, &ids)
                batch = []
                modules = [made.version.record.moduleID]
            }
            batch.append(made)
        }
        try await write(batch, of: history.modelID, writer, &ids)
        let entries = try await writer.entries(of: history.channelRelease).map { entry in
            var entry = entry
            if let node = computed.plan.result[entry.moduleID] {
                entry.moduleVersionID = id(of: try computed.version(node), ids)
            }
            return entry
        }
        let release = try await writer.insertRelease(
            of: history.modelID, parent: history.channelRelease, origin: .rollback, round: nil, entries: entries)
        try await writer.pointChannel(channel, of: history.modelID, to: release.id, action: .rollback)
        outcome.release = release.number
        let recomputation: Int64 = try await connection.query(
            """
            INSERT INTO eclm.recomputations (model_id, release_id, device_id, since_round, since_time)
            VALUES (\(history.modelID.rawValue), \(release.id.rawValue), \(removal.device), \(removal.sinceRound),
                \(removal.sinceTime))
            RETURNING recomputation_id
            """
        ).one().decode("recomputation_id")
        try await connection.query(
            """
            INSERT INTO eclm.recomputed_versions (module_version_id, recomputation_id, round_id)
            SELECT v, \(recomputation), r FROM unnest(\(computed.made.compactMap { ids[$0.step]?.rawValue }),
                \(computed.made.map { computed.plan.steps[$0.step].round.rawValue })) d (v, r)
            """)
        outcome.withdrawnVersions = try await withdraw(computed, ids, by: release.id)
        return ids
    }

    private func id(of version: Recomputation.Version, _ ids: [Int: ModuleVersionID]) -> ModuleVersionID {
        version.step.flatMap { ids[$0] } ?? version.record.moduleVersionID
    }

    private func write(
        _ batch: [Recomputation.Made], of model: ModelID, _ writer: ReleaseWriter, _ ids: inout [Int: ModuleVersionID]
    ) async throws {
        guard !batch.isEmpty else { return }
        let new = try await writer.insertVersions(
            batch.map { made in
                VersionDraft(
                    moduleID: made.version.record.moduleID, digest: made.version.record.digest,
                    tensors: made.version.record.tensors, costs: made.version.record.costs,
                    requirements: made.version.record.requirements)
            }, of: model, rollback: true)
        for (made, id) in zip(batch, new) { ids[made.step] = id }
        let parents = batch.map { id(of: $0.parent, ids) }
        try await RoundCommit.carryCosts(from: parents, to: new, on: connection)
        try await OptimizerState.insert(
            zip(zip(batch, new), parents).compactMap { made, parent in
                made.0.version.state.map { .init(version: made.1, state: $0, parent: parent) }
            }, on: connection)
        try await connection.query(
            """
            INSERT INTO eclm.lineage (module_version_id, parent_version_id, weight)
            SELECT l.id, l.parent, 1
            FROM unnest(\(new.map(\.rawValue)), \(parents.map(\.rawValue))) l (id, parent)
            """)
        var edges: (versions: [Int64], updates: [Int64], weights: [Double], applied: [Int64]) = ([], [], [], [])
        for (made, version) in zip(batch, new) {
            for contribution in made.contributions {
                edges.versions.append(version.rawValue)
                edges.updates.append(contribution.update.rawValue)
                edges.weights.append(contribution.weight)
                edges.applied.append(contribution.applied.map { id(of: $0, ids).rawValue } ?? 0)
            }
        }
        try await connection.query(
            """
            INSERT INTO eclm.lineage (module_version_id, update_id, weight, applied_version_id)
            SELECT v, u, w, nullif(a, 0)
            FROM unnest(\(edges.versions), \(edges.updates), \(edges.weights), \(edges.applied)) e (v, u, w, a)
            """)
    }

    /// Takes what was replaced out of service, but for what a channel carries.
    ///
    /// - Returns: How many versions.
    private func withdraw(
        _ computed: Recomputation, _ ids: [Int: ModuleVersionID], by release: ReleaseID
    ) async throws -> Int {
        let withdrawn = try await connection.query(
            """
            INSERT INTO eclm.withdrawals (module_version_id, rollback_id)
            SELECT v, \(release.rawValue) FROM unnest(\(computed.replacedVersions.map(\.rawValue).sorted())) v
            WHERE NOT EXISTS (SELECT FROM eclm.channels c JOIN eclm.release_modules rm USING (release_id)
                WHERE rm.module_version_id = v)
            ON CONFLICT DO NOTHING
            """
        ).rowsAffected
        try await connection.query(
            """
            INSERT INTO eclm.withdrawals (release_id, rollback_id)
            SELECT DISTINCT rm.release_id, \(release.rawValue)
            FROM eclm.withdrawals w JOIN eclm.release_modules rm USING (module_version_id)
            WHERE w.rollback_id = \(release.rawValue)
                AND NOT EXISTS (SELECT FROM eclm.channels c WHERE c.release_id = rm.release_id)
            ON CONFLICT DO NOTHING
            """)
        return withdrawn
    }
}

extension Recomputation {
    /// The versions that others take the place of: what was computed on the way to them included.
    var replacedVersions: Set<ModuleVersionID> {
        var replaced: Set<ModuleVersionID> = []
        for (version, node) in plan.replaced {
            // A node that no needed step leads to belongs to a module whose version in the channel comes from elsewhere.
            guard let new = try? self.version(node) else {
                replaced.insert(version)
                continue
            }
            if new.step != nil || new.record.moduleVersionID != version { replaced.insert(version) }
        }
        return replaced
    }
}
