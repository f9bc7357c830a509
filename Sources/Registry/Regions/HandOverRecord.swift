public import ECLMCore
public import Foundation
import PostgreSQL

/// A round of a region, on its way to the parent.
public struct HandOverRecord: Sendable, Hashable {
    /// What became of it.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// The round's updates trained nothing that the rule trains: nothing is handed over.
        case empty
        /// The parent does not have it yet.
        case waiting
        /// It is a pending update of the parent.
        case taken
        /// The parent counted it in a round.
        case aggregated
        /// The parent put it into quarantine, from which its operator may release it.
        case quarantined
        /// The parent refused it for good.
        case refused
    }

    /// What the round made of one module.
    public struct Module: Sendable, Hashable {
        /// The module's name.
        public var module: String
        /// The digest of the version that the difference is told to.
        public var base: Digest
        /// The difference.
        public var digest: Digest
        /// The document that names the inputs.
        public var lineage: Digest
        /// What the inputs weigh together.
        public var importance: Double
        public var sampleCount: Int64
        /// Updates of devices in it, through all levels below.
        public var updates: Int64
    }

    public var roundID: RoundID
    /// Its number within the model.
    public var round: Int
    /// The model's name.
    public var model: String
    /// What the parent calls the region: its device.
    public var region: String
    /// The parent's release that the round started from.
    public var parentRelease: Int
    /// What the parent knows the hand-over by.
    public var idempotencyKey: String
    /// Samples of all updates of the round.
    public var sampleCount: Int64
    /// Updates that the round counted.
    public var updates: Int64
    /// What became of it.
    public var state: State
    /// The parent's update.
    public var parentUpdateID: UpdateID?
    /// Why it is refused or quarantined, or does not arrive.
    public var reason: String?
    /// How often handing it over failed.
    public var attempts: Int
    /// When it last changed.
    public var changedAt: Date
    /// What the round made; empty in listings.
    public var modules: [Module] = []
}

extension HandOverRecord {
    static let select: SQL = """
        SELECT h.round_id, r.number AS round, mo.name AS model, h.region::text AS region, h.parent_release,
            h.idempotency_key, h.sample_count, h.state, h.parent_update_id, h.reason, h.attempts, h.changed_at,
            (SELECT count(*) FROM eclm.round_updates ru WHERE ru.round_id = h.round_id) AS updates
        FROM eclm.hand_overs h
        JOIN eclm.rounds r USING (round_id)
        JOIN eclm.models mo ON mo.model_id = h.model_id
        """

    init(_ row: PostgresRow) throws {
        roundID = RoundID(try row.decode("round_id"))
        round = Int(try row.decode("round", as: Int32.self))
        model = try row.decode("model")
        region = try row.decode("region")
        parentRelease = Int(try row.decode("parent_release", as: Int32.self))
        idempotencyKey = try row.decode("idempotency_key")
        sampleCount = try row.decode("sample_count")
        updates = try row.decode("updates")
        let name: String = try row.decode("state")
        guard let state = State(rawValue: name) else {
            throw RegistryError(.internal, "the state \(name) of a hand-over is not known to this program")
        }
        self.state = state
        parentUpdateID = try row.decode("parent_update_id", as: Int64?.self).map { UpdateID($0) }
        reason = try row.decode("reason")
        attempts = Int(try row.decode("attempts", as: Int32.self))
        changedAt = try row.decode("changed_at")
    }
}
