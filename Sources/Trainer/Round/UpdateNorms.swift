import Aggregation
import ECLMCore
import Registry

/// How far an update moves one module.
struct UpdateNorm: Sendable {
    var update: UpdateID
    /// Finite.
    var value: Double
}

extension ModuleAggregation {
    /// The norms of a module's differences to the versions they were trained from, over its floating-point values. Those to
    /// versions of other tensors are left out; full weights trained from other tensors are compared with `version`.
    func norms(
        of updates: [ClaimedUpdate], _ version: ModuleVersionRecord, _ bases: [ModuleVersionID: ModuleVersionRecord]
    ) async throws -> [UpdateNorm] {
        var groups: [ModuleVersionID: [(update: UpdateID, source: Source)]] = [:]
        for update in updates {
            for module in update.modules where module.moduleID == version.moduleID && module.size != nil {
                guard UpdateEncoding(rawValue: module.encodingName) != nil else { continue }
                let contribution = Contribution(
                    importance: module.importance, sampleCount: module.sampleCount)
                // What was trained from other tensors is compared with what it is folded onto.
                let own = bases[module.baseVersionID]?.tensors == version.tensors
                let source = Source(contribution: contribution, update: try module.file(bases))
                guard own || !source.update.encoding.isDifference else { continue }
                groups[own ? module.baseVersionID : version.moduleVersionID, default: []].append(
                    (update.updateID, source))
            }
        }
        var norms: [UpdateNorm] = []
        for (id, members) in groups.sorted(by: { $0.key < $1.key }) {
            let base = (bases[id] ?? version).aggregationBase
            let (_, header) = try await base.header(in: blobs)
            let values = try await self.norms(of: members.map(\.source), onto: base, header)
            for (member, value) in zip(members, values) {
                // A norm beyond double precision is as large as one can be.
                norms.append(UpdateNorm(update: member.update, value: min(value, .greatestFiniteMagnitude)))
            }
        }
        return norms
    }
}
