import ECLMCore
import PostgreSQL

extension Registry {
    /// Points a channel to a release that is in service; makes the channel when it is new.
    ///
    /// - Throws: `invalidArgument` for what is no channel's name; `notFound` for an unknown model or release;
    ///   `failedPrecondition` for a release that was withdrawn or carries a withdrawn version.
    public func moveChannel(
        of model: String, channel: String, to number: Int, as provenance: Provenance
    ) async throws(RegistryError) -> ReleaseRecord {
        try ManifestCheck.name(channel, .channel)
        return try await transaction(as: provenance) { connection in
            let modelID = try await Self.lockModel(model, on: connection)
            let release = try await Self.releaseInService(number, of: model, modelID, on: connection)
            try await ReleaseWriter(connection: connection).pointChannel(
                channel, of: modelID, to: release.releaseID, action: .move)
            return try await ReleaseRecord.find(release.releaseID, on: connection)
        }
    }

    /// A release that no rollback withdrew, nor any version in it.
    ///
    /// - Throws: ``RegistryError`` with `notFound` or `failedPrecondition`.
    static func releaseInService(
        _ number: Int, of model: String, _ modelID: ModelID, on connection: PostgresConnection
    ) async throws -> ReleaseRecord {
        let rows = try await connection.query(
            """
            \(ReleaseRecord.select) WHERE e.model_id = \(modelID.rawValue) AND e.number = \(Int32(clamping: number))
            """)
        guard let row = rows.first else { throw noSuchRelease(number, of: model) }
        let release = try ReleaseRecord(row)
        guard !release.withdrawn else {
            throw RegistryError(
                .failedPrecondition,
                "release \(number) of \(model) was withdrawn; roll back to it with --reinstate to use it again")
        }
        let withdrawn = try await connection.query(
            """
            SELECT m.name, v.version FROM eclm.release_modules rm
            JOIN eclm.withdrawals w ON w.module_version_id = rm.module_version_id AND w.reinstated_at IS NULL
            JOIN eclm.module_versions v ON v.module_version_id = rm.module_version_id
            JOIN eclm.modules m ON m.module_id = v.module_id
            WHERE rm.release_id = \(release.releaseID.rawValue) ORDER BY v.module_id LIMIT 1
            """)
        if let row = withdrawn.first {
            throw RegistryError(
                .failedPrecondition,
                "release \(number) of \(model) carries version \(try row.decode("version", as: Int32.self)) of module "
                    + "\(try row.decode("name", as: String.self)), which was withdrawn; roll back to the release with "
                    + "--reinstate to use it again")
        }
        return release
    }

    /// The moves of a channel, newest first.
    public func channelHistory(
        of model: String, channel: String, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<ChannelMove> {
        let before = try page.numberToken().map { Int32(clamping: $0) } ?? .max
        return try await registryErrors {
            let modelID = try await modelID(model)
            let channels = try await pool.query(
                "SELECT channel_id FROM eclm.channels WHERE model_id = \(modelID.rawValue) AND name = \(channel)")
            guard let id = try channels.first?.decode("channel_id", as: Int64.self) else {
                throw Self.noSuchChannel(channel, of: model)
            }
            let rows = try await pool.query(
                """
                SELECT h.revision, f.number AS from_release, t.number AS to_release, h.action::text AS action, h.reason,
                    h.moved_by, h.moved_at
                FROM eclm.channel_moves h
                LEFT JOIN eclm.releases f ON f.release_id = h.from_release_id
                JOIN eclm.releases t ON t.release_id = h.to_release_id
                WHERE h.channel_id = \(id) AND h.revision < \(before)
                ORDER BY h.revision DESC LIMIT \(page.size + 1)
                """)
            let moves = try rows.map { row in
                ChannelMove(
                    revision: Int(try row.decode("revision", as: Int32.self)),
                    fromRelease: try row.decode("from_release", as: Int32?.self).map(Int.init),
                    toRelease: Int(try row.decode("to_release", as: Int32.self)),
                    action: try row.word("action", "channel action"),
                    reason: try row.decode("reason"), movedBy: try row.decode("moved_by"),
                    movedAt: try row.decode("moved_at"))
            }
            return Page(rows: moves, size: page.size) { String($0.revision) }
        }
    }
}
