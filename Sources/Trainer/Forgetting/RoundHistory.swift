import ECLMCore
import Foundation
import PostgreSQL
import Registry

/// A model's releases and rounds from the first one on that a removal may change: all that a plan needs but weights.
struct RoundHistory: Sendable {
    struct Release: Sendable {
        var id: ReleaseID
        var number: Int
        var parent: ReleaseID?
        /// The round that made it.
        var round: RoundID?
        /// What the rollback left out that made it.
        var removal: DeviceRemoval?
        var versions: [ModuleID: ModuleVersionID] = [:]
    }

    struct Update: Sendable {
        var id: UpdateID
        var device: String
        var submittedAt: Date
        var baseRelease: ReleaseID
        var baseNumber: Int
    }

    struct Round: Sendable {
        var id: RoundID
        var number: Int
        var base: ReleaseID
        var policyRevision: Int?
        var rule: String
        /// Whether it kept its devices private.
        var isPrivate: Bool
        /// In ascending order.
        var updates: [Update] = []
        /// What each module was trained by: updates in ascending order, with the versions that they were trained from.
        var trained: [ModuleID: [(update: UpdateID, base: ModuleVersionID)]] = [:]
    }

    /// A version by what it was made of; see ``RecomputationPlan/Step``.
    struct Recipe: Hashable, Sendable {
        var round: RoundID
        var module: ModuleID
        var parent: ModuleVersionID
        var updates: [UpdateID]
        var bases: [ModuleVersionID]
    }

    var modelID: ModelID
    var channelRelease: ReleaseID
    var channelReleaseNumber: Int
    /// The newest round of the model, of which a commit finds out that there was none meanwhile.
    var newestRound: Int
    var releases: [ReleaseID: Release] = [:]
    var rounds: [RoundID: Round] = [:]
    var releaseOfRound: [RoundID: ReleaseID] = [:]
    /// Rounds without a release, by their base, in order: they counted updates and every module kept its version.
    var quietRounds: [ReleaseID: [RoundID]] = [:]
    /// The numbers that releases of the model do not have.
    var jumps = NumberJumps()
    /// The first release that carried a version.
    var firstRelease: [ModuleVersionID: ReleaseID] = [:]
    var made: [Recipe: ModuleVersionID] = [:]
    var kinds: [ModuleID: ModuleKind] = [:]
    /// The number of the release that the first round with something of a removal began with; none where nothing is.
    var firstBase: [DeviceRemoval: Int] = [:]

    /// Reads what `removal`, and those that earlier rollbacks recorded, may change.
    ///
    /// - Throws: ``RegistryError`` with `notFound` for a model, channel or device that is not there.
    static func read(
        model: String, channel: String, removal: DeviceRemoval, on connection: PostgresConnection
    ) async throws -> RoundHistory {
        let base = try await RoundBase.read(model: model, channel: channel, on: connection)
        let device = try await connection.query("SELECT FROM eclm.devices WHERE device_id = \(removal.device)")
        guard !device.isEmpty else {
            throw RegistryError(
                .notFound,
                "there is no device \(removal.device.debugDescription); `registryctl device list` shows those there are"
            )
        }
        let numbers = try await connection.query(
            """
            SELECT number AS release, (SELECT coalesce(max(r.number), 0) FROM eclm.rounds r
                WHERE r.model_id = e.model_id) AS newest_round
            FROM eclm.releases e WHERE release_id = \(base.releaseID.rawValue)
            """
        ).one()
        var history = RoundHistory(
            modelID: base.modelID, channelRelease: base.releaseID,
            channelReleaseNumber: Int(try numbers.decode("release", as: Int32.self)),
            newestRound: Int(try numbers.decode("newest_round", as: Int32.self)))
        history.jumps = base.jumps
        let earlier = try await history.readRemovals(on: connection)
        for removal in Set(earlier.values).union([removal]) {
            history.firstBase[removal] = try await history.firstBase(of: removal, on: connection)
        }
        guard history.firstBase[removal] != nil, let first = history.firstBase.values.min() else { return history }
        try await history.readReleases(since: first, earlier, on: connection)
        try await history.readRounds(since: first, on: connection)
        try await history.readRecipes(on: connection)
        return history
    }

    private func readRemovals(on connection: PostgresConnection) async throws -> [ReleaseID: DeviceRemoval] {
        var removals: [ReleaseID: DeviceRemoval] = [:]
        let rows = try await connection.query(
            """
            SELECT release_id, device_id, since_round, since_time FROM eclm.recomputations
            WHERE model_id = \(modelID.rawValue)
            """)
        for row in rows {
            var removal = DeviceRemoval(device: try row.decode("device_id"))
            if let round = try row.decode("since_round", as: Int32?.self) { removal.since = .round(Int(round)) }
            if let time = try row.decode("since_time", as: Date?.self) { removal.since = .time(time) }
            removals[ReleaseID(try row.decode("release_id"))] = removal
        }
        return removals
    }

    private func firstBase(of removal: DeviceRemoval, on connection: PostgresConnection) async throws -> Int? {
        let number: Int32? = try await connection.query(
            """
            SELECT min(b.number) AS number
            FROM eclm.updates u
            JOIN eclm.round_updates ru USING (update_id)
            JOIN eclm.rounds r ON r.round_id = ru.round_id
            JOIN eclm.releases b ON b.release_id = r.base_release_id
            WHERE u.device_id = \(removal.device) AND u.model_id = \(modelID.rawValue)
                AND r.number >= coalesce(\(removal.sinceRound), 0)
                AND u.submitted_at >= coalesce(\(removal.sinceTime), '-infinity')
            """
        ).one().decode("number")
        return number.map { Int($0) }
    }

    private mutating func readReleases(
        since first: Int, _ removals: [ReleaseID: DeviceRemoval], on connection: PostgresConnection
    ) async throws {
        let rows = try await connection.query(
            """
            SELECT release_id, number, parent_release_id, round_id FROM eclm.releases
            WHERE model_id = \(modelID.rawValue) AND number >= \(Int32(clamping: first)) ORDER BY number
            """)
        for row in rows {
            let id = ReleaseID(try row.decode("release_id"))
            releases[id] = Release(
                id: id, number: Int(try row.decode("number", as: Int32.self)),
                parent: try row.decode("parent_release_id", as: Int64?.self).map { ReleaseID($0) },
                round: try row.decode("round_id", as: Int64?.self).map { RoundID($0) }, removal: removals[id])
            if let round = releases[id]?.round { releaseOfRound[round] = id }
        }
        let entries = try await connection.query(
            """
            SELECT rm.release_id, rm.module_id, rm.module_version_id, m.kind::text AS kind
            FROM eclm.releases e
            JOIN eclm.release_modules rm USING (release_id)
            JOIN eclm.modules m ON m.module_id = rm.module_id
            WHERE e.model_id = \(modelID.rawValue) AND e.number >= \(Int32(clamping: first)) ORDER BY e.number
            """)
        for row in entries {
            let release = ReleaseID(try row.decode("release_id"))
            let module = ModuleID(try row.decode("module_id"))
            let version = ModuleVersionID(try row.decode("module_version_id"))
            releases[release]?.versions[module] = version
            if firstRelease[version] == nil { firstRelease[version] = release }
            if kinds[module] == nil { kinds[module] = ModuleKind(rawValue: try row.decode("kind")) }
        }
    }

    private mutating func readRounds(since first: Int, on connection: PostgresConnection) async throws {
        let handedOver = try await connection.query(
            "SELECT FROM eclm.hand_overs WHERE model_id = \(modelID.rawValue) LIMIT 1")
        guard handedOver.isEmpty else {
            throw RegistryError(
                .failedPrecondition,
                "this registry is a region: what its devices learned is in the versions of its parent; leave the region out "
                    + "there")
        }
        let rows = try await connection.query(
            """
            SELECT r.round_id, r.number, r.base_release_id, r.policy_revision, r.rule,
                EXISTS (SELECT FROM eclm.round_privacy y WHERE y.round_id = r.round_id) AS private
            FROM eclm.rounds r JOIN eclm.releases b ON b.release_id = r.base_release_id
            WHERE r.model_id = \(modelID.rawValue) AND b.number >= \(Int32(clamping: first)) ORDER BY r.number
            """)
        for row in rows {
            let round = Round(
                id: RoundID(try row.decode("round_id")), number: Int(try row.decode("number", as: Int32.self)),
                base: ReleaseID(try row.decode("base_release_id")),
                policyRevision: try row.decode("policy_revision", as: Int32?.self).map { Int($0) },
                rule: try row.decode("rule"), isPrivate: try row.decode("private"))
            rounds[round.id] = round
            if releaseOfRound[round.id] == nil { quietRounds[round.base, default: []].append(round.id) }
        }
        let updates = try await connection.query(
            """
            SELECT ru.round_id, u.update_id, u.device_id, u.submitted_at, u.base_release_id, b.number AS base_release
            FROM eclm.round_updates ru JOIN eclm.updates u USING (update_id)
            JOIN eclm.releases b ON b.release_id = u.base_release_id
            WHERE ru.round_id = ANY (\(rounds.keys.map(\.rawValue))) ORDER BY u.update_id
            """)
        for row in updates {
            rounds[RoundID(try row.decode("round_id"))]?.updates.append(
                Update(
                    id: UpdateID(try row.decode("update_id")), device: try row.decode("device_id"),
                    submittedAt: try row.decode("submitted_at"),
                    baseRelease: ReleaseID(try row.decode("base_release_id")),
                    baseNumber: Int(try row.decode("base_release", as: Int32.self))))
        }
        let modules = try await connection.query(
            """
            SELECT ru.round_id, um.update_id, um.module_id, um.base_version_id
            FROM eclm.round_updates ru JOIN eclm.update_modules um USING (update_id)
            WHERE ru.round_id = ANY (\(rounds.keys.map(\.rawValue))) ORDER BY um.update_id
            """)
        for row in modules {
            rounds[RoundID(try row.decode("round_id"))]?
                .trained[ModuleID(try row.decode("module_id")), default: []].append(
                    (UpdateID(try row.decode("update_id")), ModuleVersionID(try row.decode("base_version_id"))))
        }
    }

    /// Of recomputed versions, those in service alone: a withdrawn one is computed anew. Private rounds have none: they are
    /// not computed again.
    private mutating func readRecipes(on connection: PostgresConnection) async throws {
        let recomputable = rounds.values.filter { !$0.isPrivate }.map(\.id)
        let rows = try await connection.query(
            """
            SELECT v.module_version_id, v.module_id, coalesce(v.round_id, rv.round_id) AS round_id, l.parent_version_id,
                l.update_id, coalesce(l.applied_version_id, um.base_version_id) AS base_version_id
            FROM eclm.module_versions v
            LEFT JOIN eclm.recomputed_versions rv USING (module_version_id)
            JOIN eclm.lineage l USING (module_version_id)
            LEFT JOIN eclm.update_modules um ON um.update_id = l.update_id AND um.module_id = v.module_id
            WHERE coalesce(v.round_id, rv.round_id) = ANY (\(recomputable.map(\.rawValue)))
                AND NOT (v.origin = 'rollback' AND EXISTS (SELECT FROM eclm.withdrawals w
                    WHERE w.module_version_id = v.module_version_id AND w.reinstated_at IS NULL))
            ORDER BY v.module_version_id, l.update_id
            """)
        var recipes: [ModuleVersionID: Recipe] = [:]
        for row in rows {
            let id = ModuleVersionID(try row.decode("module_version_id"))
            var recipe =
                try recipes[id]
                ?? Recipe(
                    round: RoundID(row.decode("round_id")), module: ModuleID(row.decode("module_id")),
                    parent: ModuleVersionID(0), updates: [], bases: [])
            if let parent = try row.decode("parent_version_id", as: Int64?.self) {
                recipe.parent = ModuleVersionID(parent)
            } else {
                recipe.updates.append(UpdateID(try row.decode("update_id")))
                recipe.bases.append(ModuleVersionID(try row.decode("base_version_id")))
            }
            recipes[id] = recipe
        }
        for (version, recipe) in recipes.sorted(by: { $0.key < $1.key }) where made[recipe] == nil {
            made[recipe] = version
        }
    }
}
