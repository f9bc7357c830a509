import ECLMCore
import PostgreSQL

/// The open requests for a round of a model that this round answers, and nobody else meanwhile.
struct RoundRequests: Sendable {
    private let model: ModelID
    private let ids: [Int64]
    private let connection: PostgresConnection

    /// Locks the requests; what another trainer is about to answer is passed over.
    static func claim(of model: ModelID, on connection: PostgresConnection) async throws -> RoundRequests {
        let rows = try await connection.query(
            """
            SELECT round_request_id FROM eclm.round_requests
            WHERE model_id = \(model.rawValue) AND answered_at IS NULL ORDER BY round_request_id FOR UPDATE SKIP LOCKED
            """)
        return RoundRequests(
            model: model, ids: try rows.map { try $0.decode("round_request_id", as: Int64.self) },
            connection: connection)
    }

    private init(model: ModelID, ids: [Int64], connection: PostgresConnection) {
        self.model = model
        self.ids = ids
        self.connection = connection
    }

    /// Nobody asked.
    var isEmpty: Bool { ids.isEmpty }

    /// Answers them where nothing waits. What others hold may come back: then they stay open.
    func answerIfNothingWaits() async throws {
        guard !isEmpty else { return }
        let waiting = try await connection.query(
            "SELECT FROM eclm.updates WHERE model_id = \(model.rawValue) AND status = 'pending' LIMIT 1")
        if waiting.isEmpty { try await answer("no round: no update waits any more") }
    }

    /// Answers them.
    ///
    /// - Parameter round: The round's number within the model, where there is one.
    func answer(_ text: String, round: Int? = nil) async throws {
        guard !isEmpty else { return }
        try await connection.query(
            """
            UPDATE eclm.round_requests q SET answered_at = clock_timestamp(), answer = \(text),
                round_id = (SELECT r.round_id FROM eclm.rounds r
                    WHERE r.model_id = q.model_id AND r.number = \(round.map { Int32($0) }))
            WHERE q.round_request_id = ANY (\(ids))
            """)
    }
}
