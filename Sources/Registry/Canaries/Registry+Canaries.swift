import ECLMCore
import PostgreSQL

extension Registry {
    /// Puts a release on trial: from now on a share of the devices of a channel gets it, the others what the channel
    /// points to, until ``advanceCanaries(of:as:)`` or an operator decides.
    ///
    /// - Throws: `invalidArgument` for settings that cannot work; `notFound` for an unknown model, channel or release;
    ///   `failedPrecondition` for a candidate that was withdrawn or that the channel points to, and where the channel has a
    ///   canary already; `permissionDenied` without the operator's role.
    public func startCanary(
        of model: String, _ settings: CanarySettings, as provenance: Provenance
    ) async throws(RegistryError) -> CanaryRecord {
        try settings.check()
        return try await transaction(as: provenance) { connection in
            let modelID = try await Self.lockModel(model, on: connection)
            let candidate = try await Self.releaseInService(settings.candidate, of: model, modelID, on: connection)
            let channels = try await connection.query(
                """
                SELECT channel_id, release_id FROM eclm.channels
                WHERE model_id = \(modelID.rawValue) AND name = \(settings.channel)
                """)
            guard let channel = channels.first else { throw Self.noSuchChannel(settings.channel, of: model) }
            let channelID: Int64 = try channel.decode("channel_id")
            let control: Int64 = try channel.decode("release_id")
            guard control != candidate.releaseID.rawValue else {
                throw RegistryError(
                    .failedPrecondition,
                    "channel \(settings.channel) of \(model) points to release \(settings.candidate) already; there is "
                        + "nothing to compare it with")
            }
            let running = try await connection.query(
                "SELECT canary_id FROM eclm.canaries WHERE channel_id = \(channelID) AND state = 'running'")
            if let row = running.first {
                throw RegistryError(
                    .failedPrecondition,
                    "canary \(try row.decode("canary_id", as: Int64.self)) of channel \(settings.channel) of \(model) is "
                        + "running; promote or abort it first")
            }
            let block = settings.block
            let row = try await connection.query(
                """
                INSERT INTO eclm.canaries (model_id, channel_id, candidate_release_id, control_release_id, share, metric,
                    lower_is_better, lower_bound, upper_bound, margin, alpha, beta, minimum_observations, candidate_block,
                    control_block, deadline)
                VALUES (\(modelID.rawValue), \(channelID), \(candidate.releaseID.rawValue), \(control), \(settings.share),
                    \(settings.metric), \(settings.lowerIsBetter), \(settings.range.lowerBound),
                    \(settings.range.upperBound), \(settings.margin), \(settings.alpha), \(settings.beta),
                    \(Int32(settings.minimumObservations)), \(Int32(block.candidate)), \(Int32(block.control)),
                    clock_timestamp() + make_interval(secs => \(settings.patience)))
                RETURNING canary_id
                """
            ).one()
            return try await Self.canary(try row.decode("canary_id"), on: connection)
        }
    }

    /// Canaries, newest first; of one model, channel or state, or of all.
    public func canaries(
        of model: String? = nil, channel: String? = nil, state: CanaryState? = nil, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<CanaryRecord> {
        var conditions: [SQL] = ["c.canary_id < \(try page.numberToken() ?? .max)"]
        if let model { conditions.append("mo.name = \(model)") }
        if let channel { conditions.append("ch.name = \(channel)") }
        if let state { conditions.append("c.state = '\(raw: state.rawValue)'") }
        let condition = conditions.joined(separator: " AND ")
        return try await registryErrors {
            let rows = try await pool.query(
                "\(CanaryRecord.select) WHERE \(condition) ORDER BY c.canary_id DESC LIMIT \(page.size + 1)")
            return Page(rows: try rows.map(CanaryRecord.init), size: page.size) { String($0.canaryID) }
        }
    }

    /// One canary.
    ///
    /// - Throws: `notFound`.
    public func canary(_ id: Int64) async throws(RegistryError) -> CanaryRecord {
        try await registryErrors {
            let rows = try await pool.query("\(CanaryRecord.select) WHERE c.canary_id = \(id)")
            guard let row = rows.first else { throw RegistryError(.notFound, "there is no canary \(id)") }
            return try CanaryRecord(row)
        }
    }

    /// The newest canary of a channel, running or not.
    ///
    /// - Throws: `notFound` for an unknown model or channel, and where the channel never had one.
    public func newestCanary(of model: String, channel: String) async throws(RegistryError) -> CanaryRecord {
        _ = try await release(of: model, .channel(channel))
        guard let canary = try await canaries(of: model, channel: channel, page: PageRequest(size: 1)).items.first
        else {
            throw RegistryError(
                .notFound, "channel \(channel) of \(model) never had a canary; `registryctl canary start` starts one")
        }
        return canary
    }

    /// Ends a channel's canary by an operator's decision: points the channel to the candidate.
    ///
    /// - Parameter provenance: Who decides and why; the reason must not be empty.
    /// - Throws: `notFound` for unknown names; `failedPrecondition` where no canary runs.
    public func promoteCanary(
        of model: String, channel: String, as provenance: Provenance
    ) async throws(RegistryError) -> CanaryRecord {
        try await end(.promoted, of: model, channel, as: provenance)
    }

    /// Ends a channel's canary by an operator's decision: all devices get what the channel points to again. The candidate
    /// is not withdrawn.
    ///
    /// - Parameter provenance: Who decides and why; the reason must not be empty.
    /// - Throws: `notFound` for unknown names; `failedPrecondition` where no canary runs.
    public func abortCanary(
        of model: String, channel: String, as provenance: Provenance
    ) async throws(RegistryError) -> CanaryRecord {
        try await end(.cancelled, of: model, channel, as: provenance)
    }

    private func end(
        _ state: CanaryState, of model: String, _ channel: String, as provenance: Provenance
    ) async throws(RegistryError) -> CanaryRecord {
        guard !provenance.reason.isEmpty else {
            throw RegistryError(.invalidArgument, "the decision on a canary needs a reason: the audit tells it")
        }
        _ = try await release(of: model, .channel(channel))
        return try await transaction(as: provenance) { connection in
            let modelID = try await Self.lockModel(model, on: connection)
            let rows = try await connection.query(
                """
                \(CanaryRecord.select) WHERE c.model_id = \(modelID.rawValue) AND ch.name = \(channel)
                    AND c.state = 'running' FOR UPDATE OF c
                """)
            guard let row = rows.first else {
                throw RegistryError(.failedPrecondition, "no canary of channel \(channel) of \(model) is running")
            }
            let canary = try CanaryRecord(row)
            try await Self.decide(canary, state, because: provenance.reason, on: connection)
            return try await Self.canary(canary.canaryID, on: connection)
        }
    }

    /// Takes what a device measured of a release that it runs; a canary that compares the release counts it once.
    ///
    /// Idempotent: the device's first report counts.
    ///
    /// - Parameter metrics: 1 to 64 finite numbers by name.
    /// - Returns: The number of running canaries that the device's report belongs to.
    /// - Throws: `invalidArgument` for malformed metrics; `notFound` for an unknown device, model or release.
    public func reportMetrics(
        _ metrics: [String: Double], of model: String, release number: Int, from device: String
    ) async throws(RegistryError) -> Int {
        guard (1...64).contains(metrics.count) else {
            throw RegistryError(.invalidArgument, "a report has 1 to 64 metrics, not \(metrics.count)")
        }
        try UpdateSubmission.check(metrics: metrics)
        let release = try await release(of: model, .number(number))
        let text: JSONText
        do {
            text = JSONText(try CanonicalJSON.string(metrics))
        } catch {
            throw RegistryError(.invalidArgument, "the metrics cannot be written as JSON", cause: error)
        }
        return try await transaction(as: Provenance(actor: device)) { connection in
            let known = try await connection.query("SELECT FROM eclm.devices WHERE device_id = \(device)")
            guard !known.isEmpty else { throw Self.noSuchDevice(device) }
            let modelID: Int64 = try await connection.query("SELECT model_id FROM eclm.models WHERE name = \(model)")
                .one().decode("model_id")
            let row = try await connection.query(
                """
                SELECT eclm.observe_canaries(\(device), \(modelID), \(release.releaseID.rawValue), \(text)) AS canaries
                """
            ).one()
            return Int(try row.decode("canaries", as: Int32.self))
        }
    }

    static func canary(_ id: Int64, on connection: PostgresConnection) async throws -> CanaryRecord {
        try CanaryRecord(try await connection.query("\(CanaryRecord.select) WHERE c.canary_id = \(id)").one())
    }

    /// Writes the end of a canary, and moves the channel where it was promoted. The model's lock is held.
    static func decide(
        _ canary: CanaryRecord, _ state: CanaryState, because decision: String, on connection: PostgresConnection
    ) async throws {
        try await connection.query(
            """
            UPDATE eclm.canaries SET state = '\(raw: state.rawValue)', decided_at = clock_timestamp(),
                decided_by = eclm.actor(), decision = \(decision)
            WHERE canary_id = \(canary.canaryID)
            """)
        guard state == .promoted else { return }
        // After the canary has ended: a channel that moves under a running one cancels it.
        try await ReleaseWriter(connection: connection).pointChannel(
            canary.settings.channel, of: canary.modelID, to: canary.candidateReleaseID, action: .move)
    }
}
