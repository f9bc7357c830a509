import ECLMCore
import PostgreSQL

/// What a rollback goes back to.
public enum RollbackTarget: Sendable, Hashable {
    /// The module versions of an earlier release.
    case release(Int)
    /// Earlier versions of some modules; `nil` for the newest version before the current that is in service.
    case modules([String: Int?])
}

/// One module's version changed by a rollback.
public struct ModuleChange: Sendable, Hashable {
    /// The module's name.
    public var module: String
    /// The version the channel had.
    public var fromVersion: Int
    /// The version it has now.
    public var toVersion: Int
}

/// What a rollback did.
public struct RollbackResult: Sendable, Hashable {
    /// The new release, which points to older versions.
    public var release: ReleaseRecord
    /// The modules whose version differs from the release before.
    public var changes: [ModuleChange]
}

extension Registry {
    /// Takes a channel back to older module versions by a new release that points to them; nothing is deleted.
    ///
    /// What the rollback leaves behind is withdrawn: the versions newer than those gone back to, and, where a release is
    /// gone back to, the releases since then that carry them. Updates trained on any of these are refused from then on.
    /// Releases and versions that another channel still carries stay in service, and so does what is left for something
    /// newer, when an earlier rollback is taken back.
    ///
    /// - Parameters:
    ///   - reinstate: Take withdrawn releases and versions of the target back into service.
    ///   - provenance: Who rolls back and why; the reason must not be empty.
    /// - Throws: `notFound` for unknown names; `failedPrecondition` when the target is withdrawn, is no older version,
    ///   or is what the channel has already.
    public func rollback(
        _ model: String, channel: String, to target: RollbackTarget, reinstate: Bool = false, as provenance: Provenance
    ) async throws(RegistryError) -> RollbackResult {
        guard !provenance.reason.isEmpty else {
            throw RegistryError(.invalidArgument, "a rollback needs a reason: the channel's history tells it")
        }
        if case .modules(let modules) = target, modules.isEmpty {
            throw RegistryError(.invalidArgument, "name at least one module to roll back, or a release")
        }
        return try await transaction(as: provenance) { connection in
            let modelID = try await Self.lockModel(model, on: connection)
            return try await Rollback(
                model: model, modelID: modelID, channel: channel, target: target, reinstate: reinstate,
                actor: provenance.actor, connection: connection
            ).run()
        }
    }
}

/// One rollback inside its transaction.
private struct Rollback {
    struct Version: Hashable {
        var id: ModuleVersionID
        var moduleID: ModuleID
        var module: String
        var version: Int
        var importance: Double
        var withdrawn: Bool
    }

    let model: String
    let modelID: ModelID
    let channel: String
    let target: RollbackTarget
    let reinstate: Bool
    let actor: String
    let connection: PostgresConnection

    func run() async throws -> RollbackResult {
        let current = try await currentRelease()
        let before = try await versions(of: current.id)
        var after = before
        var leftReleases: [Int64] = []
        switch target {
        case .release(let number):
            let goal = try await release(number)
            try await settleWithdrawn(release: goal)
            for version in try await versions(of: goal.id) { after[version.key] = version.value }
            leftReleases = try await releasesSince(goal, from: current)
        case .modules(let modules):
            for (name, version) in modules.sorted(by: { $0.key < $1.key }) {
                guard let now = before.values.first(where: { $0.module == name }) else {
                    throw Registry.noSuchModule(name, of: model)
                }
                after[now.moduleID] = try await other(than: now, version)
            }
        }
        let changes = after.values
            .compactMap { new -> ModuleChange? in
                guard let old = before[new.moduleID], old.id != new.id else { return nil }
                return ModuleChange(module: new.module, fromVersion: old.version, toVersion: new.version)
            }
            .sorted { $0.module < $1.module }
        guard after.values.contains(where: { before[$0.moduleID] != $0 }) else {
            throw RegistryError(
                .failedPrecondition, "channel \(channel) of \(model) has these versions already; nothing to roll back")
        }
        try await settleWithdrawn(versions: after.values.filter { $0.withdrawn && before[$0.moduleID]?.id != $0.id })

        let writer = ReleaseWriter(connection: connection)
        let made = try await writer.insertRelease(
            of: modelID, parent: current.id, origin: .rollback, round: nil,
            entries: after.values.sorted { $0.moduleID < $1.moduleID }.map {
                ReleaseEntry(moduleID: $0.moduleID, moduleVersionID: $0.id, importance: $0.importance)
            })
        try await writer.pointChannel(channel, of: modelID, to: made.id, action: .rollback)
        try await withdraw(releases: leftReleases, from: before, after: after, by: made.id)
        return RollbackResult(release: try await ReleaseRecord.find(made.id, on: connection), changes: changes)
    }

    private func currentRelease() async throws -> (id: ReleaseID, number: Int) {
        let rows = try await connection.query(
            """
            SELECT e.release_id, e.number FROM eclm.channels c JOIN eclm.releases e USING (release_id)
            WHERE c.model_id = \(modelID.rawValue) AND c.name = \(channel)
            """)
        guard let row = rows.first else { throw Registry.noSuchChannel(channel, of: model) }
        return (ReleaseID(try row.decode("release_id")), Int(try row.decode("number", as: Int32.self)))
    }

    private func release(_ number: Int) async throws -> (id: ReleaseID, number: Int) {
        let rows = try await connection.query(
            """
            SELECT release_id FROM eclm.releases
            WHERE model_id = \(modelID.rawValue) AND number = \(Int32(clamping: number))
            """)
        guard let row = rows.first else { throw Registry.noSuchRelease(number, of: model) }
        return (ReleaseID(try row.decode("release_id")), number)
    }

    private static let versionSelect: SQL = """
        SELECT v.module_version_id, v.module_id, m.name AS module, v.version,
            EXISTS (SELECT FROM eclm.withdrawals w WHERE w.module_version_id = v.module_version_id
                AND w.reinstated_at IS NULL) AS withdrawn
        """

    private func version(_ row: PostgresRow, importance: Double) throws -> Version {
        Version(
            id: ModuleVersionID(try row.decode("module_version_id")), moduleID: ModuleID(try row.decode("module_id")),
            module: try row.decode("module"), version: Int(try row.decode("version", as: Int32.self)),
            importance: importance, withdrawn: try row.decode("withdrawn"))
    }

    private func versions(of release: ReleaseID) async throws -> [ModuleID: Version] {
        let rows = try await connection.query(
            """
            \(Self.versionSelect), rm.importance
            FROM eclm.release_modules rm JOIN eclm.module_versions v USING (module_version_id)
            JOIN eclm.modules m ON m.module_id = v.module_id
            WHERE rm.release_id = \(release.rawValue)
            """)
        var versions: [ModuleID: Version] = [:]
        for row in rows {
            let version = try version(row, importance: row.decode("importance"))
            versions[version.moduleID] = version
        }
        return versions
    }

    /// The version wanted in the place of `now`: the one with the number, or the newest before it that is in service.
    private func other(than now: Version, _ number: Int?) async throws -> Version {
        let condition: SQL =
            if let number {
                "v.version = \(Int32(clamping: number))"
            } else {
                """
                v.version < \(Int32(now.version)) AND NOT EXISTS (SELECT FROM eclm.withdrawals w
                    WHERE w.module_version_id = v.module_version_id AND w.reinstated_at IS NULL)
                """
            }
        let rows = try await connection.query(
            """
            \(Self.versionSelect)
            FROM eclm.module_versions v JOIN eclm.modules m USING (module_id)
            WHERE v.module_id = \(now.moduleID.rawValue) AND \(condition)
            ORDER BY v.version DESC LIMIT 1
            """)
        if let row = rows.first { return try version(row, importance: now.importance) }
        if let number {
            throw Registry.noSuchVersion(number, of: model, now.module)
        }
        throw RegistryError(
            .failedPrecondition,
            "module \(now.module) of \(model) is at version \(now.version) and has no older version in service")
    }

    /// The releases from `current` back to `goal` along the parents, `goal` left out.
    private func releasesSince(
        _ goal: (id: ReleaseID, number: Int), from current: (id: ReleaseID, number: Int)
    ) async throws -> [Int64] {
        try await connection.query(
            """
            WITH RECURSIVE chain AS (
                SELECT release_id, number, parent_release_id FROM eclm.releases WHERE release_id = \(current.id.rawValue)
                UNION ALL
                SELECT p.release_id, p.number, p.parent_release_id
                FROM chain c JOIN eclm.releases p ON p.release_id = c.parent_release_id
                WHERE p.number > \(Int32(goal.number))
            )
            SELECT release_id FROM chain WHERE number > \(Int32(goal.number))
            """
        ).map { try $0.decode("release_id") }
    }

    private func settleWithdrawn(release: (id: ReleaseID, number: Int)) async throws {
        let withdrawn = try await connection.query(
            "SELECT FROM eclm.withdrawals WHERE release_id = \(release.id.rawValue) AND reinstated_at IS NULL")
        guard !withdrawn.isEmpty else { return }
        guard reinstate else {
            throw RegistryError(
                .failedPrecondition,
                "release \(release.number) of \(model) was withdrawn by an earlier rollback; use --reinstate to go back to it"
            )
        }
        try await connection.query(
            """
            UPDATE eclm.withdrawals SET reinstated_by = \(actor), reinstated_at = clock_timestamp()
            WHERE release_id = \(release.id.rawValue) AND reinstated_at IS NULL
            """)
    }

    private func settleWithdrawn(versions: [Version]) async throws {
        guard let first = versions.first else { return }
        guard reinstate else {
            throw RegistryError(
                .failedPrecondition,
                "version \(first.version) of module \(first.module) was withdrawn by an earlier rollback; "
                    + "use --reinstate to go back to it")
        }
        try await connection.query(
            """
            UPDATE eclm.withdrawals SET reinstated_by = \(actor), reinstated_at = clock_timestamp()
            WHERE module_version_id = ANY (\(versions.map(\.id.rawValue))) AND reinstated_at IS NULL
            """)
    }

    /// Withdraws what was left behind, but for what a channel still carries.
    private func withdraw(
        releases: [Int64], from before: [ModuleID: Version], after: [ModuleID: Version],
        by rollback: ReleaseID
    ) async throws {
        let goneBack = before.values.compactMap { old -> (module: ModuleID, from: Int, to: Int)? in
            guard let new = after[old.moduleID], new.version < old.version else { return nil }
            return (old.moduleID, old.version, new.version)
        }
        // Between the version left and the one gone back to, every one is as suspect as the one left.
        try await connection.query(
            """
            INSERT INTO eclm.withdrawals (module_version_id, rollback_id)
            SELECT v.module_version_id, \(rollback.rawValue)
            FROM unnest(\(goneBack.map(\.module.rawValue)), \(goneBack.map { Int32($0.from) }),
                \(goneBack.map { Int32($0.to) })) d (module_id, from_version, to_version)
            JOIN eclm.module_versions v ON v.module_id = d.module_id
                AND v.version > d.to_version AND v.version <= d.from_version
            WHERE NOT EXISTS (SELECT FROM eclm.channels c JOIN eclm.release_modules rm USING (release_id)
                WHERE rm.module_version_id = v.module_version_id)
            ON CONFLICT DO NOTHING
            """)
        // A release that only had other importances is left behind as a whole, though its versions stay.
        let versionsStay = before.values.allSatisfy { after[$0.moduleID]?.id == $0.id }
        try await connection.query(
            """
            INSERT INTO eclm.withdrawals (release_id, rollback_id)
            SELECT e.id, \(rollback.rawValue) FROM unnest(\(releases)) e (id)
            WHERE NOT EXISTS (SELECT FROM eclm.channels c WHERE c.release_id = e.id)
                AND (\(versionsStay) OR EXISTS (SELECT FROM eclm.release_modules rm
                    JOIN eclm.withdrawals w ON w.module_version_id = rm.module_version_id AND w.reinstated_at IS NULL
                    WHERE rm.release_id = e.id))
            ON CONFLICT DO NOTHING
            """)
    }
}
