import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Aggregation
@testable import Trainer

@Suite("Private rounds")
struct PrivacyTests {
    private func set(_ bench: Bench, _ extra: [String: Double] = [:], noise: Double = 1) async throws {
        let parameters = ["noise_multiplier": noise, "clip_norm": 0.5, "delta": 1e-6].merging(extra) { $1 }
        _ = try await bench.model.registry.setPolicy(
            of: bench.model.name, PolicyChange(rule: "private_mean", parameters: parameters.mapValues { $0 }),
            as: Provenance(actor: "operator", reason: "test"))
    }

    @Test("draw standard normal noise that the seed determines")
    func noise() throws {
        let noise = GaussianNoise(seed: [UInt8](repeating: 7, count: 32), module: 3)
        var values: [Double] = []
        for stretch in 0..<2 {
            values += try ModuleNoise(noise: noise, deviation: 1).values(tensor: 0, stretch: stretch, count: 60_000)
        }
        let again = try ModuleNoise(noise: noise, deviation: 1).values(tensor: 0, stretch: 1, count: 100)
        #expect(Array(values[60_000..<60_100]) == again)
        let mean = values.reduce(0, +) / 120_000
        let variance = values.reduce(0) { $0 + $1 * $1 } / 120_000 - mean * mean
        #expect(abs(mean) < 0.015 && abs(variance - 1) < 0.025)
        var distance = 0.0
        for (rank, value) in values.sorted().enumerated() {
            let expected = 0.5 * erfc(-value / 2.0.squareRoot())
            distance = max(distance, abs(expected - (Double(rank) + 0.5) / 120_000))
        }
        #expect(distance < 0.006)
        for value in [1e-30, 0.1, 0.70710678, 0.9999999, 1.0, 1.5] {
            #expect(abs(GaussianNoise.logarithm(value) - log(value)) <= 1e-15 * max(1, abs(log(value))))
        }
    }

    @Test("clip whole updates, give every trained kind of module noise, and come out again bit for bit")
    func round() async throws {
        try await withBench(dtype: .f64) { bench in
            try await set(bench)
            var brought: [[String: [UInt8]]] = []
            let modules = ["l0.m00", "l1.m01", "stem0"]
            for device in 0..<4 {
                var files: [String: [UInt8]] = [:]
                for (position, module) in modules.prefix(1 + device % 3).enumerated() {
                    files[module] = try bench.model.weights(of: module, seed: UInt64(device * 10 + position))
                }
                brought.append(files)
                try await bench.model.submit(
                    files.sorted { $0.key < $1.key }.map { .init($0.key, bytes: $0.value) }, from: "d\(device)")
            }
            let later = try await bench.model.submit([.init("l0.m00")], from: "d0", seed: 99)
            let before = try await bench.model.versions()
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates.count == 4 && outcome.quarantined.isEmpty)
            #expect(try await bench.status(later) == .pending)
            let after = try await bench.model.versions()
            #expect(before.keys.filter { after[$0]?.version == 1 } == ["selector0"])

            var sums: [String: [String: [Double]]] = [:]
            for files in brought {
                var square = 0.0
                var differences: [String: [String: [Double]]] = [:]
                for (module, bytes) in files {
                    let base = try await bench.model.tensors(try #require(before[module]).digest)
                    for (name, values) in try ModelFixture.tensors(in: bytes) {
                        let moved = zip(values, base[name] ?? []).map { $0 - $1 }
                        differences[module, default: [:]][name] = moved
                        square += moved.reduce(0) { $0 + $1 * $1 }
                    }
                }
                let scale = min(1, 0.5 / square.squareRoot()) / 4
                for (module, tensors) in differences {
                    for (name, values) in tensors {
                        let sum = sums[module]?[name] ?? [Double](repeating: 0, count: values.count)
                        sums[module, default: [:]][name] = zip(sum, values).map { $0 + scale * $1 }
                    }
                }
            }
            let seed: [UInt8] = try await bench.database.pool.query("SELECT seed FROM eclm.round_seeds").one().decode(
                "seed")
            for (module, version) in after where module != "selector0" {
                let old = try #require(before[module])
                let base = try await bench.model.tensors(old.digest)
                let new = try await bench.model.tensors(version.digest)
                let header = try await old.aggregationBase.header(in: bench.model.registry.blobs).1
                let noise = ModuleNoise(
                    noise: GaussianNoise(seed: seed, module: version.moduleID.rawValue), deviation: 0.5 / 4)
                for (number, entry) in header.entries.enumerated() where entry.description.dtype.isFloatingPoint {
                    let name = entry.description.name
                    let drawn = try noise.values(
                        tensor: number, stretch: 0, count: entry.description.elementCount ?? 0)
                    for (position, value) in (new[name] ?? []).enumerated() {
                        let expected =
                            (base[name]?[position] ?? 0) + (sums[module]?[name]?[position] ?? 0) + drawn[position]
                        #expect(abs(value - expected) < 1e-8)
                    }
                }
            }
            #expect(try await bench.count("SELECT count(*) FROM eclm.lineage_problems") == 0)
            #expect(try await bench.count("SELECT count(*) FROM eclm.privacy_problems") == 0)
            let replay = try await RoundReplayer(registry: bench.model.registry).replay(round: 1, of: bench.model.name)
            #expect(replay.isEqual && replay.modules.count == before.count - 1, "\(replay)")
            for role in [TestRole.reader, .device, .publisher, .operator] {
                try await bench.database.withPool(as: role) { pool in
                    await #expect {
                        _ = try await RoundReplayer(registry: bench.registry(over: pool)).replay(
                            round: 1, of: bench.model.name)
                    } throws: { ($0 as? TrainerError)?.code == .permissionDenied }
                    await #expect(throws: PostgresError.self) {
                        _ = try await pool.query("SELECT seed FROM eclm.round_seeds")
                    }
                }
            }
            await #expect {
                _ = try await DeviceForgetter(registry: bench.model.registry).plan(
                    DeviceRemoval(device: "d1"), in: bench.model.name, channel: "stable")
            } throws: { "\($0)".contains("private") }
            #expect(try await bench.round()?.updates == [later])
            let newest = try #require(try await bench.model.registry.releasePrivacy(of: bench.model.name).items.first)
            #expect(newest.privateRounds == 2 && newest.devices == 4 && newest.unprotectedRounds == 0)
            let spent: Double = try await bench.database.pool.query(
                "SELECT eclm.privacy_epsilon(1, 1e-6) AS epsilon"
            ).one().decode("epsilon")
            #expect(newest.epsilon == spent)
        }
    }

    @Test("quarantine devices beyond their limit, and are unbounded after a round without privacy")
    func budget() async throws {
        try await withBench { bench in
            try await set(bench, ["epsilon_limit": 6], noise: 1)
            try await bench.model.submit([.init("l0.m00")], from: "d0", seed: 1)
            #expect(try await bench.round()?.updates.count == 1)
            let second = try await bench.model.submit([.init("l0.m00")], from: "d0", seed: 2)
            _ = try await bench.round()
            #expect(try await bench.reason(second)?.contains("budget") == true)
            _ = try await bench.model.registry.setPolicy(
                of: bench.model.name, PolicyChange(rule: "sample_mean"), as: Provenance(actor: "o", reason: "t"))
            try await bench.model.submit([.init("l0.m00")], from: "d1", seed: 3)
            _ = try await bench.round()
            let newest = try #require(try await bench.model.registry.releasePrivacy(of: bench.model.name).items.first)
            #expect(newest.epsilon == nil && newest.unprotectedRounds == 1 && newest.privateEpsilon != nil)
        }
    }
}
