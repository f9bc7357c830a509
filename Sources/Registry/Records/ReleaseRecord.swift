public import ECLMCore
public import Foundation
import PostgreSQL

/// An immutable, complete, consistent set of module versions of a model.
public struct ReleaseRecord: Sendable, Hashable {
    /// The row's identity.
    public var releaseID: ReleaseID
    /// The model's name.
    public var model: String
    /// The number within the model, from 1.
    public var number: Int
    /// The release it was made from.
    public var parent: Int?
    /// What made it.
    public var origin: ReleaseOrigin
    /// The round that made it, for releases of that origin.
    public var round: Int?
    /// Why it was made.
    public var reason: String
    /// When.
    public var createdAt: Date
    /// By whom.
    public var createdBy: String
    /// Whether a rollback took it out of service.
    public var withdrawn: Bool
    /// The channels that point to it now.
    public var channels: [String]
}

extension ReleaseRecord {
    static let select: SQL = """
        SELECT e.release_id, mo.name AS model, e.number, p.number AS parent, e.origin::text AS origin,
            r.number AS round, e.reason, e.created_at, e.created_by,
            EXISTS (SELECT FROM eclm.withdrawals w WHERE w.release_id = e.release_id AND w.reinstated_at IS NULL)
                AS withdrawn,
            ARRAY(SELECT c.name::text FROM eclm.channels c WHERE c.release_id = e.release_id ORDER BY c.name) AS channels
        FROM eclm.releases e
        JOIN eclm.models mo USING (model_id)
        LEFT JOIN eclm.releases p ON p.release_id = e.parent_release_id
        LEFT JOIN eclm.rounds r ON r.round_id = e.round_id
        """

    /// The release as a transaction sees it that has just written it.
    static func find(_ id: ReleaseID, on connection: PostgresConnection) async throws -> ReleaseRecord {
        try ReleaseRecord(await connection.query("\(select) WHERE e.release_id = \(id.rawValue)").one())
    }

    init(_ row: PostgresRow) throws {
        releaseID = ReleaseID(try row.decode("release_id"))
        model = try row.decode("model")
        number = Int(try row.decode("number", as: Int32.self))
        parent = try row.decode("parent", as: Int32?.self).map(Int.init)
        origin = try row.word("origin", "origin of releases")
        round = try row.decode("round", as: Int32?.self).map(Int.init)
        reason = try row.decode("reason")
        createdAt = try row.decode("created_at")
        createdBy = try row.decode("created_by")
        withdrawn = try row.decode("withdrawn")
        channels = try row.decode("channels")
    }
}

/// Which release of a model is meant.
public enum ReleaseSelector: Sendable, Hashable {
    /// The one with this number.
    case number(Int)
    /// The one that a channel points to.
    case channel(String)

    /// What devices compose from when nobody says otherwise.
    public static let standard = ReleaseSelector.channel("stable")
}

/// One move of a channel.
public struct ChannelMove: Sendable, Hashable {
    /// Counts the moves of the channel, from 1.
    public var revision: Int
    /// The release it pointed to before; `nil` for the first.
    public var fromRelease: Int?
    /// The release it points to since.
    public var toRelease: Int
    /// What moved it.
    public var action: ChannelAction
    /// Why.
    public var reason: String
    /// By whom.
    public var movedBy: String
    /// When.
    public var movedAt: Date
}
