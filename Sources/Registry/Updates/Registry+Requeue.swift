import ECLMCore
import PostgreSQL

extension Registry {
    /// Gives quarantined updates back to the trainer's queue: all of them, or none.
    ///
    /// - Returns: The updates in ascending order.
    /// - Throws: `notFound` for an update that does not exist; `failedPrecondition` for one that is not quarantined;
    ///   `invalidArgument` for none, or more than 10,000; `permissionDenied` without the operator's role.
    public func requeue(
        _ updates: [UpdateID], as provenance: Provenance
    ) async throws(RegistryError) -> [UpdateRecord] {
        let ids = Set(updates.map(\.rawValue)).sorted()
        guard (1...10_000).contains(ids.count) else {
            throw RegistryError(.invalidArgument, "give 1 to 10000 updates back at once, not \(ids.count)")
        }
        return try await transaction(as: provenance) { connection in
            let rows = try await connection.query(
                """
                SELECT update_id, status::text AS status FROM eclm.updates
                WHERE update_id = ANY (\(ids)) ORDER BY update_id FOR UPDATE
                """)
            var found: [Int64: UpdateStatus] = [:]
            for row in rows { found[try row.decode("update_id")] = try row.updateStatus() }
            for id in ids {
                guard let status = found[id] else { throw RegistryError(.notFound, "there is no update \(id)") }
                guard status == .quarantined else {
                    throw RegistryError(
                        .failedPrecondition,
                        "update \(id) is \(status.rawValue): only quarantined updates go back to the queue; nothing was changed"
                    )
                }
            }
            try await connection.query(
                """
                UPDATE eclm.updates SET status = 'pending', quarantine_reason = NULL, decided_at = NULL
                WHERE update_id = ANY (\(ids))
                """)
            return try await connection.query(
                "\(UpdateRecord.select) WHERE u.update_id = ANY (\(ids)) ORDER BY u.update_id"
            ).map(UpdateRecord.init)
        }
    }
}
