public import ECLMCore
import PostgreSQL

extension Registry {
    /// Asks the trainers for a round of a model now, of whatever waits.
    ///
    /// - Returns: The request, which a trainer answers.
    /// - Throws: `notFound` for an unknown model; `failedPrecondition` where no update waits; `permissionDenied` without
    ///   the operator's role.
    public func requestRound(
        of model: String, as provenance: Provenance
    ) async throws(RegistryError) -> RoundRequestRecord {
        try await transaction(as: provenance) { connection in
            let found = try await connection.query(
                """
                SELECT mo.model_id, EXISTS (SELECT FROM eclm.updates u
                    WHERE u.model_id = mo.model_id AND u.status = 'pending') AS waiting
                FROM eclm.models mo WHERE mo.name = \(model)
                """
            ).oneOrNone()
            guard let found else { throw Self.noSuchModel(model) }
            guard try found.decode("waiting", as: Bool.self) else {
                throw RegistryError(
                    .failedPrecondition, "no update of \(model) waits: there is nothing to make a round of")
            }
            let id: Int64 = try await connection.query(
                """
                INSERT INTO eclm.round_requests (model_id) VALUES (\(found.decode("model_id", as: Int64.self)))
                RETURNING round_request_id
                """
            ).one().decode("round_request_id")
            return try RoundRequestRecord(
                await connection.query("\(RoundRequestRecord.select) WHERE q.round_request_id = \(id)").one())
        }
    }

    /// A request for a round.
    ///
    /// - Throws: `notFound`.
    public func roundRequest(_ id: RoundRequestID) async throws(RegistryError) -> RoundRequestRecord {
        try await registryErrors {
            let rows = try await pool.query(
                "\(RoundRequestRecord.select) WHERE q.round_request_id = \(id.rawValue)")
            guard let row = rows.first else {
                throw RegistryError(.notFound, "there is no request \(id) for a round")
            }
            return try RoundRequestRecord(row)
        }
    }
}
