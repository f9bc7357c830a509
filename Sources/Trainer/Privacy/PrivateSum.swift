import Aggregation
import ECLMCore
import PostgreSQL
import Registry

/// What a private round makes of its updates: of every module x that the rule trains, x + Σ s_k d_k / n + noise.
///
/// d_k is the difference of update k to the version that it was trained from, 0 for a module that it did not train; s_k
/// brings the norm of all of d_k, over its modules together, down to the mechanism's bound; and n is the number of updates.
struct PrivateSum: Sendable {
    /// Every module that the rule trains, in ascending order: also those that nobody trained get noise, since which ones
    /// were trained is part of what devices sent.
    let versions: [ModuleVersionRecord]
    private let aggregation: ModuleAggregation
    private let mechanism: PrivacyMechanism
    private let updates: [ClaimedUpdate]
    private let bases: [ModuleVersionID: ModuleVersionRecord]
    private let scales: [UpdateID: Double]

    /// Reads each update once for its norm.
    ///
    /// - Parameters:
    ///   - updates: At least one, one of each device, and looked at before.
    ///   - bases: The versions that they were trained from.
    ///   - versions: Those of the release that the round starts from, of all modules.
    init(
        of updates: [ClaimedUpdate], _ bases: [ModuleVersionID: ModuleVersionRecord],
        onto versions: [ModuleID: ModuleVersionRecord], by mechanism: PrivacyMechanism, _ aggregation: ModuleAggregation
    ) async throws {
        self.versions = versions.values.filter { aggregation.rule.trains($0.slot.kind) }
            .sorted { $0.moduleID < $1.moduleID }
        self.aggregation = aggregation
        self.mechanism = mechanism
        self.updates = updates
        self.bases = bases
        var squares: [UpdateID: Double] = [:]
        for version in self.versions {
            for norm in try await aggregation.norms(of: updates, version, bases) {
                squares[norm.update, default: 0] += norm.value * norm.value
            }
        }
        scales = squares.mapValues { mechanism.scale(forNorm: $0.squareRoot()) }
    }

    /// What each update weighs in every module, for the lineage.
    var weights: [(update: UpdateID, weight: Double)] { updates.map { ($0.updateID, 1 / Double(updates.count)) } }

    /// The module's next file.
    ///
    /// - Parameter seed: The round's; see ``GaussianNoise``.
    func file(of version: ModuleVersionRecord, seed: [UInt8]) async throws -> [UInt8] {
        var differences: [(update: UpdateFile, weight: Double)] = []
        var origins: [(base: AggregationBase, weight: Double)] = [(version.aggregationBase, 1)]
        for update in updates {
            guard let module = update.modules.first(where: { $0.moduleID == version.moduleID }),
                let scale = scales[update.updateID], scale > 0
            else { continue }
            let file = try module.file(bases)
            guard let own = file.base else {
                throw RegistryError(
                    .internal, "the version that update \(update.updateID) was trained from is not there")
            }
            let weight = scale / Double(updates.count)
            differences.append((file, weight))
            guard !file.encoding.isDifference else { continue }
            if let place = origins.firstIndex(where: { $0.base.file.digest == own.file.digest }) {
                origins[place].weight -= weight
            } else {
                origins.append((own, -weight))
            }
        }
        let noise = ModuleNoise(
            noise: GaussianNoise(seed: seed, module: version.moduleID.rawValue),
            deviation: mechanism.deviation(updates: updates.count))
        return try await aggregation.sum(
            differences, origins.filter { $0.weight != 0 }, onto: version.aggregationBase, noise)
    }
}
