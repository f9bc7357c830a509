import Aggregation
import ECLMCore
import PostgreSQL
import Registry

/// An update whose row this round holds locked.
struct ClaimedUpdate: Sendable {
    /// One trained module of the update.
    struct Module: Sendable {
        var moduleID: ModuleID
        var name: String
        var kind: ModuleKind
        var baseVersionID: ModuleVersionID
        var baseVersion: Int
        /// The weights that it was made from, where the update says so.
        var baseDigest: Digest?
        var baseWithdrawn: Bool
        var digest: Digest
        /// The blob's size; `nil` when there is no such blob.
        var size: Int64?
        /// How the file is written, by name: perhaps one that this program does not know.
        var encodingName: String
        var importance: Double
        var sampleCount: Int64
        /// What it stands for, where it is a region's partial aggregate.
        var partial: ModuleAggregator.Update.Partial?

        /// How the file is written.
        ///
        /// - Throws: ``RegistryError`` with `failedPrecondition` where this program does not know the encoding, which is no
        ///   fault of the update.
        func encoding() throws(RegistryError) -> UpdateEncoding {
            guard let encoding = UpdateEncoding(rawValue: encodingName) else {
                let message = "module \(name): encoding \(encodingName) is not known to this program; update it"
                throw RegistryError(.failedPrecondition, message, cause: TrainerError(.registryUnfit, message))
            }
            return encoding
        }

        /// The file and what it means; the blob is there, where that was checked before.
        ///
        /// - Throws: As ``encoding()``.
        func file(_ bases: [ModuleVersionID: ModuleVersionRecord]) throws(RegistryError) -> UpdateFile {
            UpdateFile(
                file: ModuleFile(digest: digest, size: size ?? 0), encoding: try encoding(),
                base: bases[baseVersionID]?.aggregationBase)
        }
    }

    var updateID: UpdateID
    var deviceID: String
    var baseRelease: Int
    var baseWithdrawn: Bool
    /// Time since it was submitted.
    var age: Duration
    var modules: [Module] = []
}

extension ClaimedUpdate {
    /// Locks up to `limit` pending updates of a model, oldest first; what another trainer holds is passed over.
    ///
    /// - Parameters:
    ///   - among: Only of these; `nil` for any.
    ///   - takesTurns: The oldest of each device come before the second oldest of any, so that none keeps the others out.
    ///   - oneOfEachDevice: Leaves a device's later updates for later rounds, also while another trainer holds the oldest.
    /// - Returns: The updates in ascending order with their modules in ascending order.
    static func claim(
        of model: ModelID, limit: Int, among: [UpdateID]? = nil, takesTurns: Bool = false,
        oneOfEachDevice: Bool = false, on connection: PostgresConnection
    ) async throws -> [ClaimedUpdate] {
        let isAmong: SQL = among.map { "u.update_id = ANY (\($0.map(\.rawValue)))" } ?? "true"
        let isFirst: SQL =
            oneOfEachDevice
            ? """
            NOT EXISTS (SELECT FROM eclm.updates e WHERE e.model_id = u.model_id AND e.device_id = u.device_id
                AND e.status = 'pending' AND e.update_id < u.update_id)
            """ : "true"
        // Ranks cannot be locked: those whose turn it is are found first.
        let inTurn: SQL =
            takesTurns
            ? """
            u.update_id IN (SELECT r.update_id FROM (SELECT p.update_id,
                    row_number() OVER (PARTITION BY p.device_id ORDER BY p.update_id) AS turn
                FROM eclm.updates p WHERE p.model_id = \(model.rawValue) AND p.status = 'pending') r
                ORDER BY r.turn, r.update_id LIMIT \(limit))
            """ : "true"
        let rows = try await connection.query(
            """
            SELECT u.update_id, u.device_id::text AS device_id, b.number AS base_release,
                extract(epoch FROM clock_timestamp() - u.submitted_at)::float8 AS age
            FROM eclm.updates u JOIN eclm.releases b ON b.release_id = u.base_release_id
            WHERE u.model_id = \(model.rawValue) AND u.status = 'pending' AND \(isFirst) AND \(isAmong)
                AND \(inTurn)
            ORDER BY u.update_id LIMIT \(limit) FOR UPDATE OF u SKIP LOCKED
            """)
        var updates: [ClaimedUpdate] = []
        for row in rows {
            updates.append(
                ClaimedUpdate(
                    updateID: UpdateID(try row.decode("update_id")), deviceID: try row.decode("device_id"),
                    baseRelease: Int(try row.decode("base_release", as: Int32.self)), baseWithdrawn: false,
                    age: .seconds(try row.decode("age", as: Double.self))))
        }
        // A row that another trainer gave back meanwhile comes in the order of the locks.
        updates.sort { $0.updateID < $1.updateID }
        try await readModules(of: &updates, on: connection)
        let withdrawn = try await withdrawnBases(of: updates.map(\.updateID), on: connection)
        for index in updates.indices {
            guard let bases = withdrawn[updates[index].updateID] else { continue }
            updates[index].baseWithdrawn = bases.contains(nil)
            for module in updates[index].modules.indices {
                updates[index].modules[module].baseWithdrawn = bases.contains(updates[index].modules[module].moduleID)
            }
        }
        return updates
    }

    /// Fills in what each update brings, in ascending order of the modules.
    static func readModules(
        of updates: inout [ClaimedUpdate], on connection: PostgresConnection
    ) async throws {
        var places: [UpdateID: Int] = [:]
        for (index, update) in updates.enumerated() { places[update.updateID] = index }
        let rows = try await connection.query(
            """
            SELECT um.update_id, um.module_id, um.base_version_id, m.name, m.kind, m.layer, m.index, v.version, um.digest,
                um.base_digest, b.size, um.encoding, um.importance, um.sample_count, p.rule AS partial_rule, p.updates AS partial_updates,
                p.lineage AS partial_lineage
            FROM eclm.update_modules um
            JOIN eclm.modules m ON m.module_id = um.module_id
            JOIN eclm.module_versions v ON v.module_version_id = um.base_version_id
            LEFT JOIN eclm.blobs b ON b.digest = um.digest
            LEFT JOIN eclm.partial_aggregates p ON p.update_id = um.update_id AND p.module_id = um.module_id
            WHERE um.update_id = ANY (\(updates.map(\.updateID.rawValue)))
            ORDER BY um.update_id, um.module_id
            """)
        for row in rows {
            guard let place = places[UpdateID(try row.decode("update_id"))] else { continue }
            let partial = try row.decode("partial_rule", as: String?.self).map { rule in
                ModuleAggregator.Update.Partial(
                    rule: rule, updates: Int(try row.decode("partial_updates", as: Int64.self)),
                    lineage: try row.digest("partial_lineage"))
            }
            updates[place].modules.append(
                Module(
                    moduleID: ModuleID(try row.decode("module_id")), name: try row.decode("name"),
                    kind: try row.slot().kind, baseVersionID: ModuleVersionID(try row.decode("base_version_id")),
                    baseVersion: Int(try row.decode("version", as: Int32.self)),
                    baseDigest: try row.decode("base_digest", as: [UInt8]?.self).map { try Digest(bytes: $0) },
                    baseWithdrawn: false,
                    digest: try row.digest("digest"), size: try row.decode("size"),
                    encodingName: try row.decode("encoding"), importance: try row.decode("importance"),
                    sampleCount: try row.decode("sample_count"), partial: partial))
        }
    }

    /// Which of the updates were trained on something that a rollback took out of service: `nil` stands for the whole
    /// base release, a module for the version of it that the update was trained from.
    static func withdrawnBases(
        of updates: [UpdateID], on connection: PostgresConnection
    ) async throws -> [UpdateID: Set<ModuleID?>] {
        let rows = try await connection.query(
            """
            SELECT u.update_id, NULL::bigint AS module_id
            FROM eclm.updates u JOIN eclm.withdrawals w ON w.release_id = u.base_release_id
            WHERE u.update_id = ANY (\(updates.map(\.rawValue))) AND w.reinstated_at IS NULL
            UNION ALL
            SELECT um.update_id, um.module_id
            FROM eclm.update_modules um JOIN eclm.withdrawals w ON w.module_version_id = um.base_version_id
            WHERE um.update_id = ANY (\(updates.map(\.rawValue))) AND w.reinstated_at IS NULL
            """)
        var bases: [UpdateID: Set<ModuleID?>] = [:]
        for row in rows {
            let module = try row.decode("module_id", as: Int64?.self).map { ModuleID($0) }
            bases[UpdateID(try row.decode("update_id")), default: []].insert(module)
        }
        return bases
    }
}

extension [ClaimedUpdate] {
    /// Whether at least `quorum` of them train the same module, one that the rule trains.
    func reach(_ quorum: Int, by rule: RoundRule) -> Bool {
        guard quorum > 0 else { return false }
        var counts: [ModuleID: Int] = [:]
        for module in lazy.flatMap(\.modules) where rule.trains(module.kind) {
            counts[module.moduleID, default: 0] += 1
            if counts[module.moduleID, default: 0] >= quorum { return true }
        }
        return false
    }

    /// What a round mixes of accepted updates, module by module, in the order of the updates.
    ///
    /// - Parameter base: What the round starts from.
    /// - Throws: As ``ClaimedUpdate/Module/encoding()``.
    func sources(
        _ bases: [ModuleVersionID: ModuleVersionRecord], since base: RoundBase
    ) throws(RegistryError) -> [ModuleID: [RoundSource]] {
        var sources: [ModuleID: [RoundSource]] = [:]
        for update in self {
            for module in update.modules {
                sources[module.moduleID, default: []].append(
                    RoundSource(
                        update: update.updateID, importance: module.importance, sampleCount: module.sampleCount,
                        staleness: base.staleness(of: update), file: try module.file(bases)))
            }
        }
        return sources
    }
}
