public import ECLMCore
import PostgreSQL

/// A parent's release as a region takes it over.
public struct ParentRelease: Sendable, Hashable {
    /// Where the parent is, for people.
    public var parent: String
    /// The release's number there.
    public var number: Int
    /// What it holds: every module.
    public var manifest: ModelManifest

    /// A parent's release from its parts.
    public init(parent: String, number: Int, manifest: ModelManifest) {
        self.parent = parent
        self.number = number
        self.manifest = manifest
    }
}

extension Registry {
    /// Those of the roles that the login is no member of.
    public func missingRoles(of roles: [String]) async throws(RegistryError) -> [String] {
        try await registryErrors {
            try await pool.query(
                """
                SELECT r FROM unnest(\(roles)) WITH ORDINALITY w (r, i)
                WHERE to_regrole(r) IS NULL OR NOT pg_has_role(to_regrole(r), 'USAGE') ORDER BY i
                """
            ).map { try $0.decode("r") }
        }
    }

    /// Which release of this registry mirrors a parent's; `nil` where none does.
    public func mirror(ofParentRelease number: Int, of model: String) async throws(RegistryError) -> ReleaseRecord? {
        try await registryErrors {
            let rows = try await pool.query(
                """
                \(ReleaseRecord.select) JOIN eclm.mirrored_releases mr ON mr.release_id = e.release_id
                WHERE mo.name = \(model) AND mr.parent_release = \(Int32(clamping: number))
                """)
            return try rows.first.map(ReleaseRecord.init)
        }
    }

    /// Publishes a parent's release here and moves the channel to it, in one transaction with the word of what it mirrors.
    ///
    /// The blobs must be stored before. A release that was mirrored before is not published again: the channel moves back
    /// to it. Modules whose content is that of the channel's release keep their version.
    ///
    /// - Throws: As ``publish(_:channel:as:)``; `failedPrecondition` where the mirror was withdrawn here.
    public func mirror(
        _ release: ParentRelease, channel: String, as provenance: Provenance
    ) async throws(RegistryError) -> ReleaseRecord {
        if try await mirror(ofParentRelease: release.number, of: release.manifest.model) == nil {
            return try await publishMirror(of: release, channel: channel, as: provenance)
        }
        return try await transaction(as: provenance) { connection in
            let modelID = try await Self.lockModel(release.manifest.model, on: connection)
            let number: Int32 = try await connection.query(
                """
                SELECT e.number FROM eclm.mirrored_releases JOIN eclm.releases e USING (release_id)
                WHERE mirrored_releases.model_id = \(modelID.rawValue)
                    AND parent_release = \(Int32(clamping: release.number))
                """
            ).one().decode("number")
            let mirror = try await Self.releaseInService(
                Int(number), of: release.manifest.model, modelID, on: connection)
            try await ReleaseWriter(connection: connection).pointChannel(
                channel, of: modelID, to: mirror.releaseID, action: .move)
            return try await ReleaseRecord.find(mirror.releaseID, on: connection)
        }
    }

    private func publishMirror(
        of release: ParentRelease, channel: String, as provenance: Provenance
    ) async throws(RegistryError) -> ReleaseRecord {
        try ManifestCheck.check(release.manifest)
        try ManifestCheck.name(channel, .channel)
        let manifest = try await inspected(release.manifest)
        return try await transaction(as: provenance) { connection in
            let (_, result) = try await Publication(manifest: manifest, channel: channel, connection: connection)
                .run()
            try await connection.query(
                """
                INSERT INTO eclm.mirrored_releases (model_id, parent_release, release_id, parent)
                SELECT model_id, \(Int32(clamping: release.number)), release_id, \(release.parent)
                FROM eclm.releases WHERE release_id = \(result.release.releaseID.rawValue)
                ON CONFLICT DO NOTHING
                """)
            return result.release
        }
    }

    /// Takes out of service what a parent took out of service: updates trained on it are refused from then on. What a
    /// channel here still carries stays.
    ///
    /// - Parameters:
    ///   - releases: The numbers of the parent's withdrawn releases.
    ///   - versions: The digests of the parent's withdrawn versions, by module.
    ///   - rollback: The release of this registry that mirrors the parent's after its rollback.
    public func withdrawMirrors(
        of model: String, releases: [Int], versions: [String: Set<Digest>], for rollback: ReleaseID,
        as provenance: Provenance
    ) async throws(RegistryError) {
        let digests = versions.flatMap { module, digests in digests.map { (module, $0) } }
        try await transaction(as: provenance) { connection in
            let modelID = try await Self.lockModel(model, on: connection)
            try await connection.query(
                """
                INSERT INTO eclm.withdrawals (release_id, rollback_id)
                SELECT DISTINCT mr.release_id, \(rollback.rawValue) FROM eclm.mirrored_releases mr
                WHERE mr.model_id = \(modelID.rawValue) AND mr.parent_release = ANY (\(releases.map { Int32(clamping: $0) }))
                    AND NOT EXISTS (SELECT FROM eclm.channels c WHERE c.release_id = mr.release_id)
                ON CONFLICT DO NOTHING
                """)
            try await connection.query(
                """
                INSERT INTO eclm.withdrawals (module_version_id, rollback_id)
                SELECT v.module_version_id, \(rollback.rawValue)
                FROM unnest(\(digests.map(\.0)), \(digests.map(\.1.bytes))) w (module, digest)
                JOIN eclm.modules m ON m.model_id = \(modelID.rawValue) AND m.name = w.module
                JOIN eclm.module_versions v ON v.module_id = m.module_id AND v.digest = w.digest
                WHERE NOT EXISTS (SELECT FROM eclm.channels c JOIN eclm.release_modules rm USING (release_id)
                    WHERE rm.module_version_id = v.module_version_id)
                ON CONFLICT DO NOTHING
                """)
        }
    }
}
