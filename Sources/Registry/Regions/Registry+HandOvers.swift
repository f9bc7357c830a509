public import ECLMCore
import PostgreSQL

extension Registry {
    /// What rounds of this region handed over, newest first; of one model or of all.
    public func handOvers(
        of model: String? = nil, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<HandOverRecord> {
        var conditions: [SQL] = ["h.round_id < \(try page.numberToken() ?? .max)"]
        if let model { conditions.append("mo.name = \(model)") }
        let condition = conditions.joined(separator: " AND ")
        return try await registryErrors {
            let rows = try await pool.query(
                "\(HandOverRecord.select) WHERE \(condition) ORDER BY h.round_id DESC LIMIT \(page.size + 1)")
            return Page(rows: try rows.map(HandOverRecord.init), size: page.size) { $0.roundID.description }
        }
    }

    /// What is not settled with the parent, oldest first, with the modules of what it does not have yet.
    ///
    /// - Parameter limit: The most to return.
    public func openHandOvers(after round: RoundID? = nil, limit: Int) async throws(RegistryError) -> [HandOverRecord] {
        try await registryErrors {
            var records = try await pool.query(
                """
                \(HandOverRecord.select) WHERE h.state IN ('waiting', 'taken', 'quarantined')
                    AND h.round_id > \(round?.rawValue ?? 0)
                ORDER BY h.round_id LIMIT \(limit)
                """
            ).map(HandOverRecord.init)
            for index in records.indices where records[index].state == .waiting {
                records[index].modules = try await modules(ofHandOver: records[index].roundID)
            }
            return records
        }
    }

    /// What a round made for the parent, module by module.
    public func modules(ofHandOver round: RoundID) async throws(RegistryError) -> [HandOverRecord.Module] {
        try await registryErrors {
            try await pool.query(
                """
                SELECT m.name AS module, v.digest AS base, p.digest, p.lineage, p.importance, p.sample_count, p.updates
                FROM eclm.partials p
                JOIN eclm.modules m USING (module_id)
                JOIN eclm.module_versions v ON v.module_version_id = p.base_version_id
                WHERE p.round_id = \(round.rawValue) ORDER BY m.name
                """
            ).map { row in
                HandOverRecord.Module(
                    module: try row.decode("module"), base: try row.digest("base"), digest: try row.digest("digest"),
                    lineage: try row.digest("lineage"), importance: try row.decode("importance"),
                    sampleCount: try row.decode("sample_count"), updates: try row.decode("updates"))
            }
        }
    }

    /// Notes what the parent says of a hand-over. What is settled stays.
    ///
    /// - Parameter reason: Why, for `refused` and `quarantined`; cut off at 1,000 characters.
    public func settleHandOver(
        _ round: RoundID, _ state: HandOverRecord.State, update: UpdateID?, reason: String?, as provenance: Provenance
    ) async throws(RegistryError) {
        try await transaction(as: provenance) { connection in
            try await connection.query(
                """
                UPDATE eclm.hand_overs SET state = \(state.rawValue), reason = \(reason.map { String($0.prefix(1000)) }),
                    parent_update_id = CASE WHEN \(state == .refused) THEN NULL
                        ELSE coalesce(parent_update_id, \(update?.rawValue)) END
                WHERE round_id = \(round.rawValue) AND state IN ('waiting', 'taken', 'quarantined')
                    AND state <> \(state.rawValue)
                """)
        }
    }

    /// Notes that the parent, which had forgotten an update that it took, took it once more under another number.
    public func retakeHandOver(
        _ round: RoundID, update: UpdateID, as provenance: Provenance
    ) async throws(RegistryError) {
        try await transaction(as: provenance) { connection in
            try await connection.query(
                """
                UPDATE eclm.hand_overs SET state = 'taken', reason = NULL, parent_update_id = \(update.rawValue)
                WHERE round_id = \(round.rawValue) AND state IN ('taken', 'quarantined')
                """)
        }
    }

    /// Notes that the parent could not be given a hand-over, which stays as it is.
    public func postponeHandOver(_ round: RoundID, reason: String) async throws(RegistryError) {
        try await registryErrors {
            try await pool.query(
                """
                UPDATE eclm.hand_overs SET attempts = attempts + 1, reason = \(String(reason.prefix(1000)))
                WHERE round_id = \(round.rawValue) AND state = 'waiting'
                """)
        }
    }

    /// What a registry holds of the partial aggregates that regions handed it, newest first; of one model or of all.
    public func partialAggregates(
        of model: String? = nil, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<PartialUpdateRecord> {
        var conditions: [SQL] = ["u.update_id < \(try page.numberToken() ?? .max)"]
        if let model { conditions.append("mo.name = \(model)") }
        let condition = conditions.joined(separator: " AND ")
        return try await registryErrors {
            let rows = try await pool.query(
                """
                SELECT u.update_id, mo.name AS model, u.device_id::text AS region, e.number AS base_release,
                    u.status::text AS status, u.quarantine_reason, p.modules, p.inputs, p.updates, p.rule
                FROM eclm.updates u
                JOIN eclm.models mo USING (model_id)
                JOIN eclm.releases e ON e.release_id = u.base_release_id
                JOIN LATERAL (SELECT count(*) AS modules, max(a.inputs) AS inputs, max(a.updates) AS updates,
                        min(a.rule) AS rule
                    FROM eclm.partial_aggregates a WHERE a.update_id = u.update_id) p ON p.modules > 0
                WHERE \(condition) ORDER BY u.update_id DESC LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(PartialUpdateRecord.init), size: page.size) { $0.updateID.description }
        }
    }
}

/// An update that is a region's partial aggregates.
public struct PartialUpdateRecord: Sendable, Hashable {
    public var updateID: UpdateID
    /// The model's name.
    public var model: String
    public var region: String
    /// The release that its differences are told to.
    public var baseRelease: Int
    /// The rule that made it.
    public var rule: String
    /// What became of it.
    public var status: UpdateStatus
    /// Why it is in quarantine.
    public var quarantineReason: String?
    public var modules: Int64
    /// Inputs of its module with the most.
    public var inputs: Int32
    /// Updates of devices in that, through all levels below.
    public var updates: Int64

    init(_ row: PostgresRow) throws {
        updateID = UpdateID(try row.decode("update_id"))
        model = try row.decode("model")
        region = try row.decode("region")
        baseRelease = Int(try row.decode("base_release", as: Int32.self))
        rule = try row.decode("rule")
        status = try row.updateStatus()
        quarantineReason = try row.decode("quarantine_reason")
        modules = try row.decode("modules")
        inputs = try row.decode("inputs")
        updates = try row.decode("updates")
    }
}
