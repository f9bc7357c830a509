import Trainer

struct ReplayDocument: Encodable, Sendable {
    struct Module: Encodable, Sendable {
        var module: String
        var baseVersion: Int
        var version: Int?
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
                updates: module.updates, recorded: "\(module.recorded)",
                recomputed: module.recomputed.map { "\($0)" }, equal: module.isEqual, problem: module.problem)
        }
    }
}
