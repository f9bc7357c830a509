import Aggregation
import ECLMCore
import PostgreSQL
import Registry

/// What the database has of a past round.
struct RecordedRound: Sendable {
    /// A version that the round made, with its lineage.
    struct Made: Sendable {
        var version: Int
        var digest: Digest
        var parent: ModuleVersionID?
        /// What the optimizer left with it.
        var state: Digest?
        var weights: [UpdateID: Double] = [:]
    }

    /// A version that a rollback made of the round without a device.
    struct Recomputed: Sendable {
        var record: ModuleVersionRecord
        var withoutDevice: String
        var parent: ModuleVersionRecord?
        /// The updates, in ascending order, and what each difference was added to where that is another version than the
        /// one it was trained from.
        var inputs: [(update: UpdateID, weight: Double, applied: ModuleVersionID?)] = []
        /// What the optimizer left with it.
        var state: Digest?
    }

    /// What a region's round made for its parent.
    struct HandedOver: Sendable {
        var region: String
        var partials: [ModuleID: (digest: Digest, lineage: Digest)] = [:]
    }

    /// What it started from.
    var base: RoundBase
    var policy: RoundPolicy
    /// The updates it counted, in ascending order.
    var updates: [ClaimedUpdate]
    /// The base release's versions.
    var bases: [ModuleID: ModuleVersionRecord]
    /// The versions that differences are told to.
    var differenceBases: [ModuleVersionID: ModuleVersionRecord]
    var made: [ModuleID: Made]
    var recomputed: [Recomputed]
    /// The versions that updates were trained from or, in ``recomputed``, applied to.
    var inputVersions: [ModuleVersionID: ModuleVersionRecord]
    /// What the optimizer had left with the base release's versions.
    var states: [ModuleVersionID: OptimizerState]
    /// What a private round's noise was drawn from.
    var seed: [UInt8]?
    /// `nil` for a round that made versions.
    var handedOver: HandedOver?

    /// Reads a round.
    ///
    /// - Throws: ``RegistryError`` with `notFound` when there is no such round; with `failedPrecondition` where its rule
    ///   cannot be followed.
    static func read(
        _ number: Int, of model: String, in vocabulary: PolicyVocabulary, on connection: PostgresConnection
    ) async throws -> RecordedRound {
        let row = try await connection.query(
            """
            SELECT r.round_id, r.model_id, r.base_release_id, b.number AS base_release, r.rule, r.policy_revision
            FROM eclm.rounds r
            JOIN eclm.models mo USING (model_id)
            JOIN eclm.releases b ON b.release_id = r.base_release_id
            WHERE mo.name = \(model) AND r.number = \(Int32(clamping: number))
            """
        ).oneOrNone()
        guard let row else {
            throw RegistryError(
                .notFound,
                "there is no round \(number) of a model \(model.debugDescription); `registryctl round list` and "
                    + "`registryctl model list` show those there are")
        }
        let roundID: Int64 = try row.decode("round_id")
        let modelID = ModelID(try row.decode("model_id"))
        let base = RoundBase(
            modelID: modelID, releaseID: ReleaseID(try row.decode("base_release_id")),
            number: Int(try row.decode("base_release", as: Int32.self)),
            jumps: try await NumberJumps.read(of: modelID, on: connection))
        let policy = try await policy(
            of: base.modelID, revision: try row.decode("policy_revision", as: Int32?.self).map(Int.init),
            rule: try row.decode("rule"), in: vocabulary, on: connection)
        let updates = try await updates(of: roundID, on: connection)
        let made = try await made(in: roundID, on: connection)
        let recomputed = try await recomputed(of: roundID, on: connection)
        let inputs = recomputed.isEmpty ? [] : updates.flatMap { $0.modules.map(\.baseVersionID) }
        let isPrivate = policy.privacy != nil
        let bases = try await base.versions(
            of: isPrivate ? nil : Set(updates.flatMap { $0.modules.map(\.moduleID) }).union(made.keys), on: connection)
        var states: [ModuleVersionID: OptimizerState] = [:]
        if policy.optimizer != nil {
            states = try await OptimizerState.read(
                of: bases.values.map(\.moduleVersionID) + recomputed.compactMap(\.parent?.moduleVersionID),
                on: connection)
        }
        return RecordedRound(
            base: base, policy: policy, updates: updates, bases: bases,
            differenceBases: try await RoundBase.differenceBases(of: updates, all: isPrivate, on: connection),
            made: made,
            recomputed: recomputed,
            inputVersions: try await versions(
                Set(inputs).union(recomputed.flatMap { $0.inputs.compactMap(\.applied) }), on: connection),
            states: states, seed: isPrivate ? try await RoundID(roundID).seed(on: connection) : nil,
            handedOver: try await handedOver(by: roundID, on: connection))
    }

    private static func handedOver(by round: Int64, on connection: PostgresConnection) async throws -> HandedOver? {
        let rows = try await connection.query(
            """
            SELECT h.region::text AS region, p.module_id, p.digest, p.lineage
            FROM eclm.hand_overs h LEFT JOIN eclm.partials p USING (round_id) WHERE h.round_id = \(round)
            """)
        guard let first = rows.first else { return nil }
        var handedOver = HandedOver(region: try first.decode("region"))
        for row in rows {
            guard let module = try row.decode("module_id", as: Int64?.self) else { continue }
            handedOver.partials[ModuleID(module)] = (try row.digest("digest"), try row.digest("lineage"))
        }
        return handedOver
    }

    /// The rule with the parameters that it had then.
    static func policy(
        of model: ModelID, revision: Int?, rule name: String, in vocabulary: PolicyVocabulary,
        on connection: PostgresConnection
    ) async throws -> RoundPolicy {
        let policy: RoundPolicy
        let settings = RoundPolicy(
            TrainerPolicy(), rule: RoundRule(ImportanceWeightedMean()), vocabulary: vocabulary)
        if let revision {
            guard let record = try await Registry.policy(of: model, revision: revision, on: connection) else {
                throw RegistryError(.dataLoss, "policy \(revision), which the round followed, is not there")
            }
            policy = try RoundPolicy(following: record, else: settings)
        } else {
            policy = try RoundPolicy(settings: settings, rule: name)
        }
        guard policy.rule.name == name else {
            throw RegistryError(
                .failedPrecondition,
                "the round recorded the rule \(name), but its policy is followed as \(policy.rule.name) by this program; "
                    + "use the release of it that made the round")
        }
        return policy
    }

    private static func updates(of round: Int64, on connection: PostgresConnection) async throws -> [ClaimedUpdate] {
        var updates = try await connection.query(
            """
            SELECT u.update_id, u.device_id::text AS device_id, b.number AS base_release
            FROM eclm.round_updates ru
            JOIN eclm.updates u USING (update_id)
            JOIN eclm.releases b ON b.release_id = u.base_release_id
            WHERE ru.round_id = \(round) ORDER BY u.update_id
            """
        ).map { row in
            ClaimedUpdate(
                updateID: UpdateID(try row.decode("update_id")), deviceID: try row.decode("device_id"),
                baseRelease: Int(try row.decode("base_release", as: Int32.self)), baseWithdrawn: false, age: .zero)
        }
        try await ClaimedUpdate.readModules(of: &updates, on: connection)
        return updates
    }

    private static func versions(
        _ ids: Set<ModuleVersionID>, on connection: PostgresConnection
    ) async throws -> [ModuleVersionID: ModuleVersionRecord] {
        guard !ids.isEmpty else { return [:] }
        let rows = try await connection.query(
            """
            \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
            WHERE v.module_version_id = ANY (\(ids.map(\.rawValue).sorted()))
            """)
        var versions: [ModuleVersionID: ModuleVersionRecord] = [:]
        for row in rows {
            let record = try ModuleVersionRecord(row)
            versions[record.moduleVersionID] = record
        }
        return versions
    }

    private static func recomputed(
        of round: Int64, on connection: PostgresConnection
    ) async throws -> [Recomputed] {
        let rows = try await connection.query(
            """
            SELECT rv.module_version_id, rc.device_id, l.parent_version_id, l.update_id, l.weight, l.applied_version_id,
                s.digest AS state
            FROM eclm.recomputed_versions rv
            JOIN eclm.recomputations rc USING (recomputation_id)
            JOIN eclm.lineage l USING (module_version_id)
            LEFT JOIN eclm.optimizer_states s USING (module_version_id)
            WHERE rv.round_id = \(round) ORDER BY rv.module_version_id, l.update_id
            """)
        var ids: Set<ModuleVersionID> = []
        for row in rows {
            ids.insert(ModuleVersionID(try row.decode("module_version_id")))
            if let parent = try row.decode("parent_version_id", as: Int64?.self) { ids.insert(ModuleVersionID(parent)) }
        }
        let records = try await versions(ids, on: connection)
        var recomputed: [Recomputed] = []
        for row in rows {
            guard let record = records[ModuleVersionID(try row.decode("module_version_id"))] else { continue }
            if recomputed.last?.record.moduleVersionID != record.moduleVersionID {
                recomputed.append(
                    Recomputed(
                        record: record, withoutDevice: try row.decode("device_id"),
                        state: try row.decode("state", as: [UInt8]?.self) == nil ? nil : row.digest("state")))
            }
            let last = recomputed.count - 1
            if let parent = try row.decode("parent_version_id", as: Int64?.self) {
                recomputed[last].parent = records[ModuleVersionID(parent)]
            } else if let update = try row.decode("update_id", as: Int64?.self) {
                let applied = try row.decode("applied_version_id", as: Int64?.self)
                recomputed[last].inputs.append(
                    (UpdateID(update), try row.decode("weight"), applied.map { ModuleVersionID($0) }))
            }
        }
        return recomputed
    }

    private static func made(in round: Int64, on connection: PostgresConnection) async throws -> [ModuleID: Made] {
        let rows = try await connection.query(
            """
            SELECT v.module_id, v.version, v.digest, l.parent_version_id, l.update_id, l.weight, s.digest AS state
            FROM eclm.module_versions v
            LEFT JOIN eclm.lineage l USING (module_version_id)
            LEFT JOIN eclm.optimizer_states s USING (module_version_id)
            WHERE v.round_id = \(round)
            """)
        var made: [ModuleID: Made] = [:]
        for row in rows {
            let moduleID = ModuleID(try row.decode("module_id"))
            var version =
                try made[moduleID]
                ?? Made(
                    version: Int(row.decode("version", as: Int32.self)), digest: row.digest("digest"),
                    state: row.decode("state", as: [UInt8]?.self) == nil ? nil : row.digest("state"))
            if let parent = try row.decode("parent_version_id", as: Int64?.self) {
                version.parent = ModuleVersionID(parent)
            } else if let update = try row.decode("update_id", as: Int64?.self) {
                version.weights[UpdateID(update)] = try row.decode("weight")
            }
            made[moduleID] = version
        }
        return made
    }
}

extension RoundPolicy {
    /// A rule of a round without a policy, from its name in `eclm.rounds.rule`.
    ///
    /// - Throws: ``RegistryError`` with `failedPrecondition` for a rule whose parameters nobody recorded.
    fileprivate init(settings: RoundPolicy, rule name: String) throws(RegistryError) {
        self = settings
        let recorded = RoundRule.RecordedName(name)
        guard let type = vocabulary.rules.first(where: { $0.definition.name == recorded.rule }),
            !recorded.isDiscounted, type.definition.parameters.allSatisfy({ $0 == StalenessDiscount.parameter })
        else {
            throw RegistryError(
                .failedPrecondition,
                "the round followed the rule \(name) without a policy: its parameters are recorded nowhere, so it "
                    + "cannot be computed again")
        }
        do {
            rule = RoundRule(try type.init(parameters: [:]), trainsSelector: recorded.trainsSelector)
        } catch {
            throw RegistryError(wrapping: error)
        }
    }
}
