public import ECLMCore
public import Foundation
import PostgreSQL

/// A device's submission and its fate.
public struct UpdateRecord: Sendable, Hashable {
    /// The row's identity.
    public var updateID: UpdateID
    /// The device that submitted it.
    public var deviceID: String
    /// The model's name.
    public var model: String
    /// The number of the release that the device trained.
    public var baseRelease: Int
    /// The device's key for it.
    public var idempotencyKey: String
    /// Samples trained on.
    public var sampleCount: Int64
    /// Where it stands.
    public var status: UpdateStatus
    /// Why it was quarantined.
    public var quarantineReason: String?
    /// The round that counted it.
    public var round: Int?
    /// The release which that round made.
    public var release: Int?
    /// When it was submitted.
    public var submittedAt: Date
    /// When its fate was decided.
    public var decidedAt: Date?
    /// How many modules it brings.
    public var modules: Int

    static let select: SQL = """
        SELECT u.update_id, u.device_id, mo.name AS model, b.number AS base_release, u.idempotency_key, u.sample_count,
            u.status::text AS status, u.quarantine_reason, r.number AS round, n.number AS release, u.submitted_at,
            u.decided_at,
            (SELECT count(*) FROM eclm.update_modules um WHERE um.update_id = u.update_id) AS modules
        FROM eclm.updates u
        JOIN eclm.models mo USING (model_id)
        JOIN eclm.releases b ON b.release_id = u.base_release_id
        LEFT JOIN eclm.round_updates ru ON ru.update_id = u.update_id
        LEFT JOIN eclm.rounds r ON r.round_id = ru.round_id
        LEFT JOIN eclm.releases n ON n.round_id = r.round_id
        """

    init(_ row: PostgresRow) throws {
        updateID = UpdateID(try row.decode("update_id"))
        deviceID = try row.decode("device_id")
        model = try row.decode("model")
        baseRelease = Int(try row.decode("base_release", as: Int32.self))
        idempotencyKey = try row.decode("idempotency_key")
        sampleCount = try row.decode("sample_count")
        status = try row.updateStatus()
        quarantineReason = try row.decode("quarantine_reason", as: String?.self)
        round = try row.decode("round", as: Int32?.self).map(Int.init)
        release = try row.decode("release", as: Int32?.self).map(Int.init)
        submittedAt = try row.decode("submitted_at")
        decidedAt = try row.decode("decided_at", as: Date?.self)
        modules = Int(try row.decode("modules", as: Int64.self))
    }
}

/// One aggregation that the trainer committed.
public struct RoundRecord: Sendable, Hashable {
    /// The model's name.
    public var model: String
    /// The number within the model, from 1.
    public var number: Int
    /// The release it aggregated onto.
    public var baseRelease: Int
    /// The release it made.
    public var release: Int?
    /// The aggregation rule.
    public var rule: String
    /// The revision of the policy it followed; `nil` where the trainer's own settings counted.
    public var policyRevision: Int?
    /// The trainer that ran it.
    public var trainer: String
    /// When it began.
    public var startedAt: Date
    /// When it committed.
    public var committedAt: Date
    /// Updates it counted.
    public var updates: Int
    /// Module versions it wrote.
    public var versions: Int

    static let select: SQL = """
        SELECT mo.name AS model, r.number, b.number AS base_release, n.number AS release, r.rule, r.policy_revision, r.trainer,
            r.started_at, r.committed_at,
            (SELECT count(*) FROM eclm.round_updates ru WHERE ru.round_id = r.round_id) AS updates,
            (SELECT count(*) FROM eclm.module_versions v WHERE v.round_id = r.round_id) AS versions
        FROM eclm.rounds r
        JOIN eclm.models mo USING (model_id)
        JOIN eclm.releases b ON b.release_id = r.base_release_id
        LEFT JOIN eclm.releases n ON n.round_id = r.round_id
        """

    init(_ row: PostgresRow) throws {
        model = try row.decode("model")
        number = Int(try row.decode("number", as: Int32.self))
        baseRelease = Int(try row.decode("base_release", as: Int32.self))
        release = try row.decode("release", as: Int32?.self).map(Int.init)
        rule = try row.decode("rule")
        policyRevision = try row.decode("policy_revision", as: Int32?.self).map(Int.init)
        trainer = try row.decode("trainer")
        startedAt = try row.decode("started_at")
        committedAt = try row.decode("committed_at")
        updates = Int(try row.decode("updates", as: Int64.self))
        versions = Int(try row.decode("versions", as: Int64.self))
    }
}
