import Aggregation
import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing
import UpdateReference

@testable import Trainer

@Suite("Private rounds of all that devices may send")
struct PrivateInputTests {
    private static let encodings: [UpdateEncoding] = [
        .int8Delta, .sparseDelta, .full, .delta, .sparseDelta, .int8Delta, .delta,
    ]

    @Test(
        "clip and sum what every encoding means, in memory and in streams", arguments: [ElementType.f32, .f64],
        [1 << 16, 64 << 20])
    func encodings(dtype: ElementType, blockMemory: Int) async throws {
        var settings = TrainerPolicy()
        settings.blockMemory = blockMemory
        try await withBench(policy: settings, dtype: dtype, width: 4001) { bench in
            let original = try await bench.model.versions()
            try await bench.model.submit([.init("l0.m00")], from: "early", seed: 3)
            _ = try #require(try await bench.round())
            try await bench.setPrivate()
            let before = try await bench.model.versions()
            var updates: [PrivateReference.Differences] = []
            for (device, encoding) in Self.encodings.enumerated() {
                let release = device % 3 == 1 ? 1 : 2
                var differences: PrivateReference.Differences = [:]
                var trained: [ModelFixture.Trained] = []
                for (position, module) in ["head0", "l0.m00"].enumerated() {
                    let version = try #require((release == 1 ? original : before)[module])
                    let base = try await bench.model.bytes(version.digest)
                    var residual: UpdateResidual?
                    let file = try UpdateEncoder.encode(
                        trained: try bench.model.weights(of: module, seed: UInt64(900 + 2 * device + position)),
                        base: base, as: encoding, fraction: 0.2, residual: &residual)
                    differences[module] = try PrivateReference.difference(
                        try UpdateDecoder.decode(file, as: encoding, onto: base), base)
                    trained.append(.init(module, bytes: file, encoding: encoding))
                }
                updates.append(differences)
                try await bench.model.submit(trained, from: "device-\(device)", release: release)
            }
            let outcome = try #require(try await bench.round())
            #expect(outcome.quarantined.isEmpty && outcome.updates.count == updates.count, "\(outcome.quarantined)")
            let worst = try await PrivateReference(bench: bench, clipNorm: 0.5, noiseMultiplier: 1).worst(
                round: 2, from: before, updates)
            #expect(worst <= (dtype == .f64 ? 1e-9 : 2e-6), "differs by \(worst)")
            let replay = try await bench.replay(2)
            #expect(replay.isEqual, "\(replay)")
        }
    }

    @Test(
        "let no update move the release further than the bound, over all its modules, and no short one less than it is")
    func clipping() async throws {
        try await withBench(dtype: .f64) { bench in
            var random = SplitMix64(seed: 15)
            let modules = bench.model.manifest.modules.map(\.name).filter { $0 != "selector0" }
            var clipped = 0
            for number in 1...12 {
                let clipNorm = Double.random(in: 0.01...30, using: &random)
                try await bench.setPrivate(noise: 0.01, clipNorm: clipNorm)
                let before = try await bench.model.versions()
                var differences: PrivateReference.Differences = [:]
                var trained: [ModelFixture.Trained] = []
                let chosen = modules.shuffled(using: &random).prefix(Int.random(in: 1...modules.count, using: &random))
                for module in chosen {
                    let file = try bench.model.weights(of: module, seed: random.next())
                    differences[module] = try PrivateReference.difference(
                        file, try await bench.model.bytes(try #require(before[module]).digest))
                    trained.append(.init(module, bytes: file))
                }
                try await bench.model.submit(trained, from: "device-\(number)")
                #expect(try await bench.round()?.updates.count == 1)
                let reference = PrivateReference(bench: bench, clipNorm: clipNorm, noiseMultiplier: 0.01)
                let moved = PrivateReference.norm(try await reference.moved(round: number, from: before, updates: 1))
                let norm = PrivateReference.norm(differences)
                #expect(moved <= clipNorm * (1 + 1e-12))
                #expect(abs(moved - min(norm, clipNorm)) <= 2e-9 * clipNorm, "\(moved) of \(norm), at most \(clipNorm)")
                #expect(try await reference.worst(round: number, from: before, [differences]) <= 1e-7)
                if norm > clipNorm { clipped += 1 }
            }
            #expect((1...11).contains(clipped), "the cases show one side alone")
        }
    }

    @Test("never scale a norm beyond the bound, whatever it is")
    func scale() {
        var random = SplitMix64(seed: 16)
        for _ in 0..<10_000 {
            let bound = Double.random(in: 1e-6...1e6, using: &random)
            let norm = bound * Double.random(in: 0...3, using: &random)
            let mechanism = PrivacyMechanism(clipNorm: bound, noiseMultiplier: 1, delta: 1e-6, epsilonLimit: nil)
            let scale = mechanism.scale(forNorm: norm)
            #expect(scale <= 1 && scale * norm <= bound)
            for odd in [Double.infinity, .nan, -.infinity] { #expect(mechanism.scale(forNorm: odd) == 0) }
            #expect(mechanism.scale(forNorm: .greatestFiniteMagnitude) * .greatestFiniteMagnitude <= bound)
        }
    }

    @Test(
        "make of updates that change nothing noise of the stated deviation, in every module, and other noise every time"
    )
    func noiseAlone() async throws {
        try await withBench(dtype: .f64, width: 2000) { bench in
            try await bench.setPrivate(noise: 1.5, clipNorm: 0.2)
            for round in 1...2 {
                let before = try await bench.model.versions()
                let base = try await bench.model.bytes(try #require(before["l0.m00"]).digest)
                for device in 0..<3 {
                    try await bench.model.submit([.init("l0.m00", bytes: base)], from: "device-\(device)")
                }
                let outcome = try #require(try await bench.round())
                #expect(outcome.updates.count == 3)
                let after = try await bench.model.versions()
                #expect(after.filter { $0.value.version == round + 1 }.count == after.count - 1)
                var values: [Double] = []
                for (module, version) in after where module != "selector0" {
                    let old = try #require(before[module])
                    values += try PrivateReference.difference(
                        try await bench.model.bytes(version.digest), try await bench.model.bytes(old.digest)
                    ).values.flatMap { $0 }
                }
                let deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
                #expect(values.count > 60_000 && abs(deviation / (1.5 * 0.2 / 3) - 1) < 0.015, "\(deviation)")
            }
            #expect(try await bench.count("SELECT count(DISTINCT seed) FROM eclm.round_seeds") == 2)
        }
    }

    @Test("refuse full weights of other tensors than the current version's, and nobody else's")
    func otherTensors() async throws {
        try await withBench { bench in
            try await bench.model.submit([.init("l0.m00")], from: "early")
            _ = try #require(try await bench.round())
            // Publication refuses other tensors under a module's name; only the owner of the schema can do this.
            try await bench.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        ALTER TABLE eclm.module_versions DISABLE TRIGGER USER;
                        UPDATE eclm.module_versions v SET tensors = jsonb_set(v.tensors, '{0,name}', '"other"')
                            FROM eclm.modules m WHERE m.module_id = v.module_id AND m.name = 'l0.m00' AND v.version = 1;
                        ALTER TABLE eclm.module_versions ENABLE TRIGGER USER;
                        """)
            }
            try await bench.setPrivate()
            let strange = try await bench.model.insertUnchecked([.init("l0.m00")], from: "strange", release: 1)
            let good = try await bench.model.submit([.init("l0.m00")], from: "good", seed: 9)
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == [good] && outcome.quarantined.map(\.updateID) == [strange])
            #expect(try await bench.reason(strange)?.contains("other tensors") == true)
        }
    }

    @Test("go through server optimizers, and come out again with them")
    func optimizers() async throws {
        try await withBench(dtype: .f64) { bench in
            try await bench.setPrivate(optimizer: "fedavgm", ["learning_rate": 1, "momentum": 0])
            let before = try await bench.model.versions()
            let file = try bench.model.weights(of: "stem0", seed: 4)
            let difference = try PrivateReference.difference(
                file, try await bench.model.bytes(try #require(before["stem0"]).digest))
            try await bench.model.submit([.init("stem0", bytes: file)], from: "d0")
            _ = try #require(try await bench.round())
            // This optimizer makes of an aggregate the aggregate.
            let worst = try await PrivateReference(bench: bench, clipNorm: 0.5, noiseMultiplier: 1).worst(
                round: 1, from: before, [["stem0": difference]])
            #expect(worst <= 1e-9)
            try await bench.setPrivate(optimizer: "fedadam")
            for round in 2...3 {
                try await bench.model.submit([.init("l1.m01")], from: "d\(round)", seed: UInt64(round))
                _ = try #require(try await bench.round())
            }
            #expect(try await bench.count("SELECT count(*) FROM eclm.optimizer_states WHERE optimizer = 'fedadam'") > 0)
            for round in 1...3 {
                let replay = try await bench.replay(round)
                #expect(replay.isEqual, "\(replay)")
            }
            #expect(try await bench.count("SELECT count(*) FROM eclm.privacy_problems") == 0)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("wait for as many devices as the policy says, not updates")
    func devices() async throws {
        try await withBench { bench in
            try await bench.setPrivate(minimum: 2)
            for seed in 1...3 { try await bench.model.submit([.init("stem0")], from: "d0", seed: UInt64(seed)) }
            #expect(try await bench.round() == nil)
            try await bench.model.submit([.init("stem0")], from: "d1", seed: 9)
            #expect(try await bench.round()?.updates.count == 2)
            #expect(try await bench.count("SELECT count(*) FROM eclm.updates WHERE status = 'pending'") == 2)
        }
    }

    @Test(
        "are refused with whatever would break the guarantee",
        arguments: [["norm_z": 8], ["refuse_duplicates": 1], ["staleness": 0.5], ["delta": 0], ["noise_multiplier": 0]])
    func refusals(extra: [String: Double]) async throws {
        try await withBench { bench in
            await #expect {
                try await bench.setPrivate(extra)
            } throws: { error in
                (error as? RegistryError)?.code == .invalidArgument
                    && "\(error)".contains(extra.keys.first ?? "nothing")
            }
            for change in [
                PolicyChange(rule: "private_mean", parameters: ["noise_multiplier": 1, "clip_norm": 1]),
                PolicyChange(
                    rule: "private_mean", parameters: ["noise_multiplier": 1, "clip_norm": 1, "delta": 1e-6],
                    minimumUpdates: 5, maximumUpdates: 20, quorum: 3),
            ] {
                let error = await #expect(throws: RegistryError.self) {
                    _ = try await bench.model.registry.setPolicy(
                        of: bench.model.name, change, as: Provenance(actor: "operator", reason: "test"))
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }
}
