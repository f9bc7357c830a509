import Trainer

struct ReplayDocument: Encodable, Sendable {
    struct Module: Encodable, Sendable {
        var module: String
        var baseVersion: Int
        var version: Int?
        var withoutDevice: String?
        var updates: Int
        var recorded: String
        var recomputed: String?
        var equal: Bool
        var problem: String?
    }
    var model: String
    var round: Int
    var baseRelease: Int
    var rule: String
    var policyRevision: Int?
    var updates: Int
    var equal: Bool
    var modules: [Module]

    init(_ replay: RoundReplay) {
        model = replay.model
        round = replay.round
        baseRelease = replay.baseRelease
        rule = replay.rule
        policyRevision = replay.policyRevision
        updates = replay.updates
        equal = replay.isEqual
        modules = replay.modules.map { module in
            Module(
                module: module.module, baseVersion: module.baseVersion, version: module.version,
                withoutDevice: module.withoutDevice, updates: module.updates, recorded: "\(module.recorded)",
                recomputed: module.recomputed.map { "\($0)" }, equal: module.isEqual, problem: module.problem)
        }
    }
}

/// Every round of a model computed again: those that differ are told in full.
struct ReplaySummaryDocument: Encodable, Sendable {
    var model: String
    var rounds = 0
    var modules = 0
    var equal = true
    var different: [ReplayDocument] = []

    init(model: String) { self.model = model }

    mutating func add(_ replay: ReplayDocument) {
        rounds += 1
        modules += replay.modules.count
        guard !replay.equal else { return }
        equal = false
        different.append(replay)
    }
}
