import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

// What --output json prints of devices, updates and rounds.

struct DeviceClassDocument: Encodable {
    var deviceClass: String
    var memory: Int64
    var flops: Int64
    var dtypes: [String]
    var operators: [String]
    var runtime: String

    init(_ record: DeviceClassRecord) {
        deviceClass = record.name
        memory = record.traits.memory
        flops = record.traits.flops
        dtypes = record.traits.dtypes.map(\.rawValue).sorted()
        operators = record.traits.operators.sorted()
        runtime = record.traits.runtime.description
    }
}

struct DeviceDocument: Encodable {
    var device: String
    var deviceClass: String
    var attributes: [String: String]
    var registeredAt: Timestamp

    init(_ record: DeviceRecord) {
        device = record.deviceID
        deviceClass = record.deviceClass
        attributes = record.attributes
        registeredAt = Timestamp(record.registeredAt)
    }

    var attributeText: String {
        attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
}

struct UpdateDocument: Encodable {
    var update: Int64
    var device: String
    var model: String
    var baseRelease: Int
    var idempotencyKey: String
    var sampleCount: Int64
    var modules: Int
    var status: UpdateStatus
    var quarantineReason: String?
    var round: Int?
    var release: Int?
    var submittedAt: Timestamp
    var decidedAt: Timestamp?

    init(_ record: UpdateRecord) {
        update = record.updateID.rawValue
        device = record.deviceID
        model = record.model
        baseRelease = record.baseRelease
        idempotencyKey = record.idempotencyKey
        sampleCount = record.sampleCount
        modules = record.modules
        status = record.status
        quarantineReason = record.quarantineReason
        round = record.round
        release = record.release
        submittedAt = Timestamp(record.submittedAt)
        decidedAt = record.decidedAt.map { Timestamp($0) }
    }

    /// What became of it, in a few words.
    var fate: String {
        switch status {
        // A round that changed no weights, or a region's, made no release.
        case .aggregated:
            "round \(round.map(String.init) ?? "?")" + (release.map { ", release \($0)" } ?? ", no release")
        case .quarantined: quarantineReason ?? ""
        case .pending: ""
        }
    }
}

struct RoundDocument: Encodable {
    var model: String
    var round: Int
    var baseRelease: Int
    var release: Int?
    var rule: String
    var policyRevision: Int?
    var updates: Int
    var versions: Int
    var trainer: String
    var startedAt: Timestamp
    var committedAt: Timestamp

    init(_ record: RoundRecord) {
        model = record.model
        round = record.number
        baseRelease = record.baseRelease
        release = record.release
        rule = record.rule
        policyRevision = record.policyRevision
        updates = record.updates
        versions = record.versions
        trainer = record.trainer
        startedAt = Timestamp(record.startedAt)
        committedAt = Timestamp(record.committedAt)
    }
}

struct RoundRequestDocument: Encodable {
    var request: RoundRequestID
    var model: String
    var reason: String
    var requestedAt: Timestamp
    var requestedBy: String
    var answeredAt: Timestamp?
    var answer: String?
    var round: Int?
    /// Canaries that keep the trainers of their channels waiting; empty where none does, or the request is answered.
    var heldByCanaries: [Int64] = []

    init(_ record: RoundRequestRecord) {
        request = record.requestID
        model = record.model
        reason = record.reason
        requestedAt = Timestamp(record.requestedAt)
        requestedBy = record.requestedBy
        answeredAt = record.answeredAt.map { Timestamp($0) }
        answer = record.answer
        round = record.round
    }
}
