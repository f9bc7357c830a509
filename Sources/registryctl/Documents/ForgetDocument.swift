import CommandSupport
import ECLMCore
import Trainer

struct ForgetDocument: Encodable, Sendable {
    struct LeftOut: Encodable, Sendable {
        var round: Int
        var update: Int64
    }
    struct Recomputed: Encodable, Sendable {
        var round: Int
        var module: String
        var replacedVersion: Int?
        var version: Int?
        var updates: Int
    }
    struct Change: Encodable, Sendable {
        var module: String
        var fromVersion: Int
        var toVersion: Int?
    }
    var model: String
    var channel: String
    var device: String
    var dryRun: Bool
    var affected: Bool
    var fromRelease: Int
    var release: Int?
    var leftOut: [LeftOut]
    var recomputed: [Recomputed]
    var changes: [Change]
    var withdrawnVersions: Int
    var quarantined: [Int64]
    var otherChannels: [String]

    init(_ outcome: ForgetOutcome, isDryRun: Bool) {
        model = outcome.model
        channel = outcome.channel
        device = outcome.removal.device
        dryRun = isDryRun
        affected = !outcome.isUnaffected
        fromRelease = outcome.fromRelease
        release = outcome.release
        leftOut = outcome.leftOut.map { LeftOut(round: $0.round, update: $0.updateID.rawValue) }
        recomputed = outcome.recomputed.map {
            Recomputed(
                round: $0.round, module: $0.module, replacedVersion: $0.replacedVersion, version: $0.version,
                updates: $0.updates)
        }
        changes = outcome.changes.map {
            Change(module: $0.module, fromVersion: $0.fromVersion, toVersion: $0.toVersion)
        }
        withdrawnVersions = outcome.withdrawnVersions
        quarantined = outcome.quarantined.map(\.rawValue)
        otherChannels = outcome.otherChannels
    }

    func text(width: Int?) -> String {
        let pending =
            quarantined.isEmpty
            ? "" : "\(quarantined.count) pending updates of it \(dryRun ? "would be" : "were") quarantined.\n"
        guard affected else {
            return "Nothing found: channel \(channel) of \(model) has nothing of device \(device); it stays at release "
                + "\(fromRelease).\n" + pending
        }
        let rounds = Set(leftOut.map(\.round)).count
        var head = "Device \(device) contributed \(leftOut.count) updates to \(rounds) rounds of \(model)"
        head +=
            release.map {
                ".\nChannel \(channel) points to release \($0), which has nothing of them; \(withdrawnVersions) versions "
                    + "were withdrawn.\n"
            } ?? " that channel \(channel) is made of; nothing was changed.\n"
        var steps = Table([
            .number("round"), "module", .number("replaces"), .number("version"), .number("updates left"),
        ])
        for step in recomputed {
            steps.add([
                "\(step.round)", step.module, step.replacedVersion.map(String.init) ?? "",
                step.version.map(String.init) ?? (dryRun ? "" : "kept"), "\(step.updates)",
            ])
        }
        var modules = Table(["module", .number("from version"), .number("to version")])
        for change in changes {
            modules.add([change.module, "\(change.fromVersion)", change.toVersion.map(String.init) ?? ""])
        }
        return head + pending + (steps.isEmpty ? "" : "\n" + steps.rendered(width: width)) + "\n"
            + modules.rendered(width: width)
    }
}
