public import ECLMCore
public import Foundation
import PostgreSQL

/// Somebody's wish for a round of whatever waits, and what became of it.
public struct RoundRequestRecord: Sendable, Hashable {
    public var requestID: RoundRequestID
    /// The model's name.
    public var model: String
    /// Why.
    public var reason: String
    /// When.
    public var requestedAt: Date
    /// By whom.
    public var requestedBy: String
    /// When a trainer answered; `nil` until then.
    public var answeredAt: Date?
    /// What the trainer did, or why it did nothing.
    public var answer: String?
    /// The number of the round that answers it.
    public var round: Int?
}

extension RoundRequestRecord {
    static let select: SQL = """
        SELECT q.round_request_id, mo.name AS model, q.reason, q.requested_at, q.requested_by, q.answered_at, q.answer,
            r.number AS round
        FROM eclm.round_requests q
        JOIN eclm.models mo ON mo.model_id = q.model_id
        LEFT JOIN eclm.rounds r ON r.round_id = q.round_id
        """

    init(_ row: PostgresRow) throws {
        requestID = RoundRequestID(try row.decode("round_request_id"))
        model = try row.decode("model")
        reason = try row.decode("reason")
        requestedAt = try row.decode("requested_at")
        requestedBy = try row.decode("requested_by")
        answeredAt = try row.decode("answered_at", as: Date?.self)
        answer = try row.decode("answer", as: String?.self)
        round = try row.decode("round", as: Int32?.self).map(Int.init)
    }
}
