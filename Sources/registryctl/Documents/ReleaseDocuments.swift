import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

// What --output json prints of releases and channels.

struct ChannelMoveDocument: Encodable {
    var revision: Int
    var fromRelease: Int?
    var toRelease: Int
    var action: ChannelAction
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
