public import ECLMCore
import PostgreSQL

/// Which quarantined updates of a model to give back to the queue; every condition that is given must hold.
public struct QuarantineSelection: Sendable, Hashable {
    /// The model's name.
    public var model: String
    /// A text that the reason of the quarantine contains.
    public var reason: String?
    /// The number of the round that was made when they were quarantined.
    public var round: Int?

    public init(model: String, reason: String? = nil, round: Int? = nil) {
        (self.model, self.reason, self.round) = (model, reason, round)
    }
}

extension Registry {
    /// The most updates that go back to the queue, or are taken out of it, at once.
    public static let maximumRequeued = 10_000

    /// Gives quarantined updates back to the trainer's queue: all of them, or none.
    ///
    /// - Returns: The updates in ascending order.
    /// - Throws: `notFound` for an update that does not exist; `failedPrecondition` for one that is not quarantined;
    ///   `invalidArgument` for none, or more than 10,000; `permissionDenied` without the operator's role.
    public func requeue(
        _ updates: [UpdateID], as provenance: Provenance
    ) async throws(RegistryError) -> [UpdateRecord] {
        try await transaction(as: provenance) { connection in
            let ids = try await Self.lock(
                updates, that: .quarantined, "only quarantined updates go back to the queue", on: connection)
            return try await Self.requeue(ids, on: connection)
        }
    }

    /// Gives the quarantined updates of a model back to the trainer's queue that were quarantined for a reason, or when a
    /// round was made: the oldest 10,000.
    ///
    /// - Returns: The updates in ascending order; none where there is no such update.
    /// - Throws: `notFound` for an unknown model or round; `permissionDenied` without the operator's role.
    public func requeue(
        _ selection: QuarantineSelection, as provenance: Provenance
    ) async throws(RegistryError) -> [UpdateRecord] {
        try await transaction(as: provenance) { connection in
            let model: Int64? = try await connection.query(
                "SELECT model_id FROM eclm.models WHERE name = \(selection.model)"
            ).oneOrNone()?.decode("model_id")
            guard let model else { throw Self.noSuchModel(selection.model) }
            var conditions: [SQL] = ["u.model_id = \(model)", "u.status = 'quarantined'"]
            if let reason = selection.reason {
                conditions.append("position(lower(\(reason)) IN lower(u.quarantine_reason)) > 0")
            }
            if let number = selection.round {
                let round: Int64? = try await connection.query(
                    "SELECT round_id FROM eclm.rounds WHERE model_id = \(model) AND number = \(Int32(clamping: number))"
                ).oneOrNone()?.decode("round_id")
                guard let round else {
                    throw RegistryError(.notFound, "model \(selection.model) has no round \(number)")
                }
                // A round quarantines in its own transaction, before it writes its row.
                conditions.append(
                    """
                    EXISTS (SELECT FROM eclm.rounds r WHERE r.round_id = \(round)
                        AND u.decided_at BETWEEN r.started_at AND r.committed_at)
                    """)
            }
            let rows = try await connection.query(
                """
                SELECT u.update_id FROM eclm.updates u WHERE \(conditions.joined(separator: " AND "))
                ORDER BY u.update_id LIMIT \(Self.maximumRequeued) FOR UPDATE
                """)
            return try await Self.requeue(rows.map { try $0.decode("update_id") }, on: connection)
        }
    }

    /// Takes pending updates out of the trainer's queue by hand, such as those whose bytes are lost for good: all of them,
    /// or none. They can be given back.
    ///
    /// - Parameter provenance: Its reason becomes that of the quarantine.
    /// - Returns: The updates in ascending order.
    /// - Throws: `notFound` for an update that does not exist; `failedPrecondition` for one that does not wait;
    ///   `invalidArgument` for none, or more than 10,000; `permissionDenied` without the operator's role.
    public func quarantine(
        _ updates: [UpdateID], as provenance: Provenance
    ) async throws(RegistryError) -> [UpdateRecord] {
        try await transaction(as: provenance) { connection in
            let ids = try await Self.lock(
                updates, that: .pending, "only pending updates are taken out of the queue", on: connection)
            let why = provenance.reason.isEmpty ? "no reason given" : provenance.reason
            let reason = "taken out by \(provenance.actor): \(why)"
            try await connection.query(
                """
                UPDATE eclm.updates
                SET status = 'quarantined', quarantine_reason = \(String(reason.prefix(1000))),
                    decided_at = clock_timestamp()
                WHERE update_id = ANY (\(ids))
                """)
            return try await Self.records(of: ids, on: connection)
        }
    }

    /// Locks updates that all must have a status.
    private static func lock(
        _ updates: [UpdateID], that status: UpdateStatus, _ rule: String, on connection: PostgresConnection
    ) async throws -> [Int64] {
        let ids = Set(updates.map(\.rawValue)).sorted()
        guard (1...maximumRequeued).contains(ids.count) else {
            throw RegistryError(.invalidArgument, "name 1 to \(maximumRequeued) updates at once, not \(ids.count)")
        }
        let rows = try await connection.query(
            """
            SELECT update_id, status::text AS status FROM eclm.updates
            WHERE update_id = ANY (\(ids)) ORDER BY update_id FOR UPDATE
            """)
        var found: [Int64: UpdateStatus] = [:]
        for row in rows { found[try row.decode("update_id")] = try row.updateStatus() }
        for id in ids {
            guard let state = found[id] else { throw RegistryError(.notFound, "there is no update \(id)") }
            guard state == status else {
                throw RegistryError(
                    .failedPrecondition, "update \(id) is \(state.rawValue): \(rule); nothing was changed")
            }
        }
        return ids
    }

    private static func requeue(_ ids: [Int64], on connection: PostgresConnection) async throws -> [UpdateRecord] {
        try await connection.query(
            """
            UPDATE eclm.updates SET status = 'pending', quarantine_reason = NULL, decided_at = NULL
            WHERE update_id = ANY (\(ids))
            """)
        return try await records(of: ids, on: connection)
    }

    private static func records(of ids: [Int64], on connection: PostgresConnection) async throws -> [UpdateRecord] {
        try await connection.query(
            "\(UpdateRecord.select) WHERE u.update_id = ANY (\(ids)) ORDER BY u.update_id"
        ).map(UpdateRecord.init)
    }
}
