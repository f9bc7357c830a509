import ECLMCore
import PostgreSQL
import Registry

/// What a round builds on: the release that the channel points to.
struct RoundBase: Sendable {
    var modelID: ModelID
    var releaseID: ReleaseID
    /// The release's number within the model.
    var number: Int
    /// The numbers that releases of the model do not have.
    var jumps: NumberJumps = NumberJumps()
    /// Whether a canary compares the release with another, so that the channel must stay.
    var isOnTrial = false

    /// How many releases of the model were made from the one an update was trained on to this one.
    func staleness(of update: ClaimedUpdate) -> Int {
        max(0, jumps.ordinal(of: number) - jumps.ordinal(of: update.baseRelease))
    }

    /// Where the channel points now.
    ///
    /// - Throws: ``RegistryError`` with `notFound` when there is no such model or channel.
    static func read(
        model: String, channel: String, on connection: PostgresConnection
    ) async throws -> RoundBase {
        let row = try await connection.query(
            """
            SELECT mo.model_id, c.release_id, r.number, EXISTS (SELECT FROM eclm.canaries y
                WHERE y.channel_id = c.channel_id AND y.state = 'running') AS on_trial
            FROM eclm.models mo
            LEFT JOIN eclm.channels c ON c.model_id = mo.model_id AND c.name = \(channel)
            LEFT JOIN eclm.releases r ON r.release_id = c.release_id
            WHERE mo.name = \(model)
            """
        ).oneOrNone()
        guard let row else { throw Registry.noSuchModel(model) }
        guard let release = try row.decode("release_id", as: Int64?.self) else {
            throw RegistryError(
                .notFound,
                "model \(model) has no channel \(channel.debugDescription): publish to it, or train another channel")
        }
        let modelID = ModelID(try row.decode("model_id"))
        return RoundBase(
            modelID: modelID, releaseID: ReleaseID(release), number: Int(try row.decode("number", as: Int32.self)),
            jumps: try await NumberJumps.read(of: modelID, on: connection), isOnTrial: try row.decode("on_trial"))
    }

    /// The release's versions of some modules.
    ///
    /// - Parameter modules: `nil` for all.
    func versions(
        of modules: Set<ModuleID>? = nil, on connection: PostgresConnection
    ) async throws -> [ModuleID: ModuleVersionRecord] {
        let rows = try await connection.query(
            """
            \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
            JOIN eclm.release_modules rm ON rm.module_version_id = v.module_version_id
            WHERE rm.release_id = \(releaseID.rawValue)
                AND (\(modules == nil) OR v.module_id = ANY (\((modules ?? []).map(\.rawValue).sorted())))
            """)
        var versions: [ModuleID: ModuleVersionRecord] = [:]
        for row in rows {
            let record = try ModuleVersionRecord(row)
            versions[record.moduleID] = record
        }
        return versions
    }

    /// The versions that updates tell their differences to: those they were trained from, however old.
    ///
    /// - Parameter all: Also those of updates that bring the weights themselves.
    static func differenceBases(
        of updates: [ClaimedUpdate], all: Bool = false, on connection: PostgresConnection
    ) async throws -> [ModuleVersionID: ModuleVersionRecord] {
        let wanted = Set(
            updates.flatMap(\.modules).filter { all || $0.encodingName != UpdateEncoding.full.rawValue }
                .map(\.baseVersionID))
        guard !wanted.isEmpty else { return [:] }
        let rows = try await connection.query(
            """
            \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
            WHERE v.module_version_id = ANY (\(wanted.map(\.rawValue).sorted()))
            """)
        var versions: [ModuleVersionID: ModuleVersionRecord] = [:]
        for row in rows {
            let record = try ModuleVersionRecord(row)
            versions[record.moduleVersionID] = record
        }
        return versions
    }
}
