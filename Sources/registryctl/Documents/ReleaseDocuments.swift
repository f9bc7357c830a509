import CommandSupport
import Registry

// What --output json prints of releases and channels.

struct ReleaseDocument: Encodable {
    var model: String
    var release: Int
    var parent: Int?
    var origin: String
    var round: Int?
    var reason: String
    var withdrawn: Bool
    var channels: [String]
    var createdAt: Timestamp
    var createdBy: String

    init(_ record: ReleaseRecord) {
        model = record.model
        release = record.number
        parent = record.parent
        origin = record.origin
        round = record.round
        reason = record.reason
        withdrawn = record.withdrawn
        channels = record.channels
        createdAt = Timestamp(record.createdAt)
        createdBy = record.createdBy
    }
}

struct ChannelMoveDocument: Encodable {
    var revision: Int
    var fromRelease: Int?
    var toRelease: Int
    var action: String
    var reason: String
    var movedBy: String
    var movedAt: Timestamp

    init(_ move: ChannelMove) {
        revision = move.revision
        fromRelease = move.fromRelease
        toRelease = move.toRelease
        action = move.action
        reason = move.reason
        movedBy = move.movedBy
        movedAt = Timestamp(move.movedAt)
    }
}

struct PublicationDocument: Encodable {
    var release: ReleaseDocument
    var newVersions: Int
    var keptVersions: Int
    var blobsStored: Int
    var bytesStored: Int64
    var verification: [VerificationDocument]?
}

struct VerificationDocument: Encodable {
    var layer: String
    var modules: Int
    var maximumDifference: Float
    var maximumOutput: Float
}

struct RollbackDocument: Encodable {
    struct Change: Encodable {
        var module: String
        var fromVersion: Int
        var toVersion: Int
    }
    var release: ReleaseDocument
    var changes: [Change]

    init(_ result: RollbackResult) {
        release = ReleaseDocument(result.release)
        changes = result.changes.map {
            Change(module: $0.module, fromVersion: $0.fromVersion, toVersion: $0.toVersion)
        }
    }
}
