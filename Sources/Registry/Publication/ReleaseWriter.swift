package import ECLMCore
package import PostgreSQL

/// A module version about to be written.
package struct VersionDraft: Sendable {
    package var moduleID: ModuleID
    package var digest: Digest
    package var tensors: [TensorDescription]
    package var costs: ModuleCosts
    package var requirements: Requirements

    package init(
        moduleID: ModuleID, digest: Digest, tensors: [TensorDescription], costs: ModuleCosts, requirements: Requirements
    ) {
        self.moduleID = moduleID
        self.digest = digest
        self.tensors = tensors
        self.costs = costs
        self.requirements = requirements
    }
}

/// One line of a release about to be written.
package struct ReleaseEntry: Sendable, Hashable {
    package var moduleID: ModuleID
    package var moduleVersionID: ModuleVersionID
    package var importance: Double

    package init(moduleID: ModuleID, moduleVersionID: ModuleVersionID, importance: Double) {
        self.moduleID = moduleID
        self.moduleVersionID = moduleVersionID
        self.importance = importance
    }

    static let select: SQL = "SELECT module_id, module_version_id, importance FROM eclm.release_modules"

    init(_ row: PostgresRow) throws {
        moduleID = ModuleID(try row.decode("module_id"))
        moduleVersionID = ModuleVersionID(try row.decode("module_version_id"))
        importance = try row.decode("importance")
    }
}

/// Writes versions, releases and channel moves within a transaction that holds the model's lock: what publication,
/// rollback and the trainer have in common.
package struct ReleaseWriter {
    let connection: PostgresConnection

    package init(connection: PostgresConnection) {
        self.connection = connection
    }

    /// Writes one new version of each module, numbered after the module's newest.
    ///
    /// - Parameters:
    ///   - round: The round that makes them; `nil` for a publication or a rollback.
    ///   - rollback: Whether a rollback makes them.
    /// - Returns: The new versions' identities, in the order of `drafts`.
    package func insertVersions(
        _ drafts: [VersionDraft], of model: ModelID, round: RoundID? = nil, rollback: Bool = false
    ) async throws -> [ModuleVersionID] {
        guard !drafts.isEmpty else { return [] }
        let origin: VersionOrigin = rollback ? .rollback : round == nil ? .publish : .round
        // Arrays of arrays do not unnest row by row: the lists travel as text, joined by commas that no name contains.
        let rows = try await connection.query(
            """
            WITH written AS (
                INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes,
                    parameters, flops, peak_memory, origin, round_id)
                SELECT \(model.rawValue), d.module_id,
                    coalesce((SELECT max(v.version) FROM eclm.module_versions v
                        WHERE v.module_id = d.module_id), 0) + 1,
                    d.digest, d.dtype, d.tensors, d.bytes, d.parameters, d.flops, d.peak_memory,
                    \(origin.rawValue)::text::eclm.origin, \(round?.rawValue)::bigint
                FROM unnest(\(drafts.map(\.moduleID.rawValue)), \(drafts.map(\.digest.bytes)),
                    \(drafts.map { Self.dtype(of: $0.tensors) }), \(try drafts.map { try Self.json($0.tensors) }),
                    \(drafts.map(\.costs.bytes)), \(drafts.map(\.costs.parameters)), \(drafts.map(\.costs.flops)),
                    \(drafts.map(\.costs.peakMemory)))
                    AS d (module_id, digest, dtype, tensors, bytes, parameters, flops, peak_memory)
                RETURNING module_id, module_version_id
            ), required AS (
                INSERT INTO eclm.requirements (module_version_id, dtypes, operators, minimum_runtime)
                SELECT w.module_version_id, string_to_array(d.dtypes, ','), string_to_array(d.operators, ','),
                    ARRAY[d.major, d.minor, d.patch]
                FROM unnest(\(drafts.map(\.moduleID.rawValue)),
                    \(drafts.map { $0.requirements.dtypes.map(\.rawValue).sorted().joined(separator: ",") }),
                    \(drafts.map { $0.requirements.operators.sorted().joined(separator: ",") }),
                    \(drafts.map(\.requirements.minimumRuntime.major)),
                    \(drafts.map(\.requirements.minimumRuntime.minor)),
                    \(drafts.map(\.requirements.minimumRuntime.patch)))
                    AS d (module_id, dtypes, operators, major, minor, patch)
                JOIN written w USING (module_id)
            )
            SELECT module_id, module_version_id FROM written
            """)
        var ids: [Int64: ModuleVersionID] = [:]
        for row in rows {
            ids[try row.decode("module_id", as: Int64.self)] = ModuleVersionID(try row.decode("module_version_id"))
        }
        return try drafts.map { draft in
            guard let id = ids[draft.moduleID.rawValue] else {
                throw RegistryError(.internal, "module \(draft.moduleID) got no version: it was drafted twice")
            }
            return id
        }
    }

    /// Writes a release; the database refuses it at commit when it is incomplete.
    package func insertRelease(
        of model: ModelID, parent: ReleaseID?, origin: ReleaseOrigin, round: RoundID?, entries: [ReleaseEntry]
    ) async throws -> (id: ReleaseID, number: Int) {
        let row = try await connection.query(
            """
            WITH written AS (
                INSERT INTO eclm.releases (model_id, number, parent_release_id, origin, round_id)
                VALUES (\(model.rawValue),
                    (SELECT coalesce(max(number), 0) + 1 FROM eclm.releases WHERE model_id = \(model.rawValue)),
                    \(parent?.rawValue), \(origin.rawValue)::text::eclm.origin, \(round?.rawValue))
                RETURNING release_id, number
            ), modules AS (
                INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
                SELECT w.release_id, \(model.rawValue), m.* FROM written w, unnest(
                    \(entries.map(\.moduleID.rawValue)), \(entries.map(\.moduleVersionID.rawValue)),
                    \(entries.map(\.importance))) m
            )
            SELECT release_id, number FROM written
            """
        ).one()
        let id = ReleaseID(try row.decode("release_id"))
        return (id, Int(try row.decode("number", as: Int32.self)))
    }

    /// Points a channel to a release; makes the channel when it is new. The database writes the move's history.
    package func pointChannel(
        _ channel: String, of model: ModelID, to release: ReleaseID, action: ChannelAction
    ) async throws {
        try await connection.query(
            """
            INSERT INTO eclm.channels (model_id, name, release_id)
            VALUES (\(model.rawValue), \(channel), \(release.rawValue))
            ON CONFLICT (model_id, name) DO UPDATE
                SET release_id = excluded.release_id, action = \(action.rawValue)::text::eclm.channel_action
                WHERE eclm.channels.release_id <> excluded.release_id
            """)
    }

    /// The modules of a release: what a new release starts from.
    package func entries(of release: ReleaseID) async throws -> [ReleaseEntry] {
        try await connection.query(
            "\(ReleaseEntry.select) WHERE release_id = \(release.rawValue) ORDER BY module_id"
        ).map(ReleaseEntry.init)
    }

    private static func dtype(of tensors: [TensorDescription]) -> String {
        let dtypes = Set(tensors.map(\.dtype))
        guard let first = dtypes.first else { return "none" }
        return dtypes.count == 1 ? first.rawValue : "mixed"
    }

    private static func json(_ tensors: [TensorDescription]) throws -> JSONText {
        JSONText(try CanonicalJSON.string(tensors))
    }
}
