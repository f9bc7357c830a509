import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

// What --output json prints of regions.

struct PartialUpdateDocument: Encodable {
    var update: Int64
    var model: String
    var region: String
    var baseRelease: Int
    var rule: String
    var modules: Int64
    var inputs: Int32
    var deviceUpdates: Int64
    var status: UpdateStatus
    var quarantineReason: String?

    init(_ record: PartialUpdateRecord) {
        update = record.updateID.rawValue
        model = record.model
        region = record.region
        baseRelease = record.baseRelease
        rule = record.rule
        modules = record.modules
        inputs = record.inputs
        deviceUpdates = record.updates
        status = record.status
        quarantineReason = record.quarantineReason
    }
}

struct HandOverDocument: Encodable {
    var round: Int
    var model: String
    var region: String
    var parentRelease: Int
    var updates: Int64
    var sampleCount: Int64
    var state: String
    var parentUpdate: Int64?
    var reason: String?
    var attempts: Int
    var idempotencyKey: String
    var changedAt: Timestamp

    init(_ record: HandOverRecord) {
        round = record.round
        model = record.model
        region = record.region
        parentRelease = record.parentRelease
        updates = record.updates
        sampleCount = record.sampleCount
        state = record.state.rawValue
        parentUpdate = record.parentUpdateID?.rawValue
        reason = record.reason
        attempts = record.attempts
        idempotencyKey = record.idempotencyKey
        changedAt = Timestamp(record.changedAt)
    }
}
