import ECLMCore
import PostgreSQL
import Registry
import TestSupport

@testable import Aggregation
@testable import Trainer

/// What a private round must make of its updates, computed the plain way: x + Σ min(1, C / |d_k|) d_k / n + noise.
struct PrivateReference {
    /// One update: differences by module and tensor.
    typealias Differences = [String: [String: [Double]]]

    let bench: Bench
    let clipNorm: Double
    let noiseMultiplier: Double

    /// The difference of two files with the same tensors.
    static func difference(_ trained: [UInt8], _ base: [UInt8]) throws -> [String: [Double]] {
        let base = try ModelFixture.tensors(in: base)
        return try ModelFixture.tensors(in: trained).reduce(into: [:]) { result, tensor in
            result[tensor.key] = zip(tensor.value, base[tensor.key] ?? []).map { $0 - $1 }
        }
    }

    static func norm(_ differences: Differences) -> Double {
        differences.values.flatMap(\.values).flatMap { $0 }.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    /// What the current release has more than `before` and the noise of a round of so many updates, without the selector.
    func moved(
        round: Int, from before: [String: ModuleVersionRecord], updates: Int
    ) async throws -> Differences {
        let seed: [UInt8] = try await bench.database.pool.query(
            "SELECT seed FROM eclm.round_seeds JOIN eclm.rounds USING (round_id) WHERE number = \(Int32(round))"
        ).one().decode("seed")
        let after = try await bench.model.versions()
        var moved: Differences = [:]
        for (module, version) in after where module != "selector0" {
            guard let old = before[module] else { continue }
            let (base, new) = (try await bench.model.tensors(old.digest), try await bench.model.tensors(version.digest))
            let header = try await old.aggregationBase.header(in: bench.model.registry.blobs).1
            let noise = ModuleNoise(
                noise: GaussianNoise(seed: seed, module: version.moduleID.rawValue),
                deviation: noiseMultiplier * clipNorm / Double(updates))
            for (number, entry) in header.entries.enumerated() where entry.description.dtype.isFloatingPoint {
                let (name, total) = (entry.description.name, entry.description.elementCount ?? 0)
                var drawn: [Double] = []
                for first in stride(from: 0, to: total, by: GaussianNoise.stretch) {
                    drawn += try noise.values(
                        tensor: number, stretch: first / GaussianNoise.stretch,
                        count: min(GaussianNoise.stretch, total - first))
                }
                moved[module, default: [:]][name] = (0..<total).map {
                    (new[name]?[$0] ?? .nan) - (base[name]?[$0] ?? .nan) - drawn[$0]
                }
            }
        }
        return moved
    }

    /// The largest difference, of any coordinate of the release, to what the updates and the noise give.
    func worst(
        round: Int, from before: [String: ModuleVersionRecord], _ updates: [Differences]
    ) async throws -> Double {
        var sums: Differences = [:]
        for update in updates {
            let scale = min(1, clipNorm / Self.norm(update)) / Double(updates.count)
            for (module, tensors) in update {
                for (name, values) in tensors {
                    let sum = sums[module]?[name] ?? [Double](repeating: 0, count: values.count)
                    sums[module, default: [:]][name] = zip(sum, values).map { $0 + scale * $1 }
                }
            }
        }
        var worst = 0.0
        for (module, tensors) in try await moved(round: round, from: before, updates: updates.count) {
            for (name, values) in tensors {
                for (place, value) in values.enumerated() {
                    let distance = abs(value - (sums[module]?[name]?[place] ?? 0))
                    worst = max(worst, distance.isNaN ? .infinity : distance)
                }
            }
        }
        return worst
    }
}

extension Bench {
    /// Makes the model's rounds private.
    func setPrivate(
        noise: Double = 1, clipNorm: Double = 0.5, _ extra: [String: Double] = [:], minimum: Int? = nil,
        optimizer: String? = nil, _ optimizerParameters: [String: Double] = [:]
    ) async throws {
        let parameters = ["noise_multiplier": noise, "clip_norm": clipNorm, "delta": 1e-6].merging(extra) { $1 }
        _ = try await model.registry.setPolicy(
            of: model.name,
            PolicyChange(
                rule: "private_mean", parameters: parameters.mapValues { $0 }, minimumUpdates: minimum,
                optimizer: optimizer, optimizerParameters: optimizerParameters.mapValues { $0 }),
            as: Provenance(actor: "operator", reason: "test"))
    }

    /// A round computed again, with other memory than the trainer's.
    func replay(_ round: Int) async throws -> RoundReplay {
        try await RoundReplayer(registry: model.registry).replay(round: round, of: model.name)
    }
}
