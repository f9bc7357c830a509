import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("A round")
struct RoundTests {
    /// The weighted mean computed anew, tensor by tensor, in the order of the updates.
    private func mean(_ model: ModelFixture, _ parts: [(bytes: [UInt8], weight: Double)]) throws -> [String: [Double]] {
        let total = parts.reduce(0) { $0 + $1.weight }
        var sums: [String: [Double]] = [:]
        for part in parts {
            for (name, values) in try ModelFixture.tensors(in: part.bytes) {
                let before = sums[name] ?? values.map { _ in 0 }
                sums[name] = zip(before, values).map { $0 + part.weight / total * $1 }
            }
        }
        return sums
    }

    private func isClose(_ left: [String: [Double]], _ right: [String: [Double]], _ tolerance: Double) -> Bool {
        left.keys == right.keys
            && left.allSatisfy { name, values in
                zip(values, right[name] ?? []).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
                    && values.count == right[name]?.count
            }
    }

    @Test(
        "makes the importance-weighted mean of each module",
        arguments: [(ElementType.f32, 1e-7), (.f16, 1e-3), (.bf16, 8e-3), (.f64, 1e-14)])
    func aggregate(dtype: ElementType, tolerance: Double) async throws {
        try await withBench(dtype: dtype) { bench in
            let model = bench.model
            let importances = [0.2, 0.7, 0.4]
            var expert: [(bytes: [UInt8], weight: Double)] = []
            var stem: [(bytes: [UInt8], weight: Double)] = []
            for (device, importance) in importances.enumerated() {
                let (first, second) = (
                    try model.weights(of: "l0.m01", seed: UInt64(100 + device)),
                    try model.weights(of: "stem0", seed: UInt64(200 + device))
                )
                let samples = Int64(10 * (device + 1))
                expert.append((first, importance))
                stem.append((second, Double(samples)))
                try await model.submit(
                    [
                        .init("l0.m01", importance: importance, samples: 5, bytes: first),
                        .init("stem0", importance: 9, samples: samples, bytes: second),
                    ], from: "device-\(device)")
            }
            let before = try await model.versions()
            let outcome = try #require(try await bench.round())
            #expect(outcome.round == 1)
            #expect(outcome.release == 2)
            #expect(outcome.updates.count == 3)
            #expect(outcome.newVersions == 2)
            #expect(outcome.quarantined.isEmpty)

            let after = try await model.versions()
            for (name, version) in after {
                if name == "l0.m01" || name == "stem0" {
                    #expect(version.version == 2)
                    #expect(version.origin == .round)
                    #expect(version.round == 1)
                    #expect(version.createdBy == "trainer-1")
                    #expect(version.tensors == before[name]?.tensors)
                    #expect(version.costs == before[name]?.costs)
                    #expect(version.requirements == before[name]?.requirements)
                } else {
                    #expect(version == before[name])
                }
            }
            let newExpert = try await model.tensors(try #require(after["l0.m01"]).digest)
            #expect(isClose(newExpert, try mean(model, expert), tolerance))
            let newStem = try await model.tensors(try #require(after["stem0"]).digest)
            #expect(isClose(newStem, try mean(model, stem), tolerance))
        }
    }

    @Test("weighs by samples where nobody finds a module important")
    func zeroImportances() async throws {
        try await withBench { bench in
            let parts = try (0..<2).map { try bench.model.weights(of: "l1.m00", seed: UInt64($0)) }
            for (device, bytes) in parts.enumerated() {
                try await bench.model.submit(
                    [.init("l1.m00", importance: 0, samples: device == 0 ? 30 : 10, bytes: bytes)],
                    from: "device-\(device)")
            }
            _ = try await bench.round()
            let version = try #require(try await bench.model.versions()["l1.m00"])
            let expected = try mean(bench.model, [(parts[0], 30), (parts[1], 10)])
            #expect(isClose(try await bench.model.tensors(version.digest), expected, 1e-7))
        }
    }

    @Test("leaves the selector alone unless told to train it")
    func selector() async throws {
        for trains in [false, true] {
            try await withBench(trainsSelector: trains) { bench in
                try await bench.model.submit([.init("selector0"), .init("l0.m00")], from: "device")
                let outcome = try #require(try await bench.round())
                #expect(outcome.updates.count == 1)
                let versions = try await bench.model.versions()
                #expect(versions["selector0"]?.version == (trains ? 2 : 1))
                #expect(versions["l0.m00"]?.version == 2)
                let inputs = try await bench.count("SELECT count(*) FROM eclm.round_inputs WHERE module = 'selector0'")
                #expect(inputs == (trains ? 1 : 0))
            }
        }
    }

    @Test("keeps metadata and integer tensors of the version, and averages the rest")
    func structure() async throws {
        try await withBench { bench in
            let before = try #require(try await bench.model.versions()["head0"])
            try await bench.model.submit([.init("head0")], from: "device")
            _ = try await bench.round()
            let after = try #require(try await bench.model.versions()["head0"])
            #expect(after.digest != before.digest)
            let old = try SafetensorsFile(bytes: try await bench.model.bytes(before.digest))
            let new = try SafetensorsFile(bytes: try await bench.model.bytes(after.digest))
            #expect(new.header == old.header)
            #expect(try new.tensor("steps").bytes() == old.tensor("steps").bytes())
            #expect(try new.tensor("weight").bytes() != old.tensor("weight").bytes())
        }
    }

    @Test("keeps a version whose aggregate equals it, and still counts the update")
    func unchanged() async throws {
        try await withBench { bench in
            let version = try #require(try await bench.model.versions()["l0.m00"])
            let update = try await bench.model.submit(
                [.init("l0.m00", bytes: try await bench.model.bytes(version.digest))], from: "device")
            let outcome = try #require(try await bench.round())
            #expect(outcome.round == 1)
            #expect(outcome.release == nil)
            #expect(outcome.keptVersions == 1)
            #expect(try await bench.model.versions()["l0.m00"] == version)
            #expect(try await bench.status(update) == .aggregated)
        }
    }

    @Test("reads weights longer than a chunk, in bounded pieces")
    func large() async throws {
        try await withBench(width: 70_001) { bench in
            let parts = try (0..<3).map { try bench.model.weights(of: "l0.m02", seed: UInt64($0)) }
            #expect(parts[0].count > 1 << 20)
            for (device, bytes) in parts.enumerated() {
                try await bench.model.submit(
                    [.init("l0.m02", importance: Double(device + 1), bytes: bytes)], from: "device-\(device)")
            }
            _ = try await bench.round()
            let version = try #require(try await bench.model.versions()["l0.m02"])
            let expected = try mean(bench.model, [(parts[0], 1), (parts[1], 2), (parts[2], 3)])
            #expect(isClose(try await bench.model.tensors(version.digest), expected, 1e-7))
        }
    }

    @Test("gives the same bytes for the same updates in another database")
    func deterministic() async throws {
        var digests: [[String: Digest]] = []
        for _ in 0..<2 {
            digests.append(
                try await withBench { bench in
                    for device in 0..<7 {
                        try await bench.model.submit(
                            [
                                .init("l0.m00", importance: 0.1 + Double(device) / 3), .init("l1.bypass3"),
                                .init("stem0"),
                            ],
                            from: "device-\(device)", seed: UInt64(device))
                    }
                    _ = try await bench.round()
                    return try await bench.model.versions().mapValues(\.digest)
                })
        }
        #expect(digests[0] == digests[1])
    }

    @Test("takes updates of an older base that is still in service, onto the current version")
    func stale() async throws {
        try await withBench { bench in
            try await bench.model.submit([.init("l0.m00")], from: "device-1", seed: 1)
            _ = try await bench.round()
            let update = try await bench.model.submit([.init("l0.m00")], from: "device-2", release: 1, seed: 2)
            let outcome = try #require(try await bench.round())
            #expect(outcome.release == 3)
            #expect(try await bench.status(update) == .aggregated)
            let edges = try await bench.database.pool.query(
                """
                SELECT parent_version FROM eclm.version_lineage
                WHERE module = 'l0.m00' AND version = 3 AND parent_kind = 'version'
                """)
            #expect(try edges.one().decode("parent_version", as: Int32.self) == 2)
        }
    }

    @Test("carries measured costs over to the new versions")
    func costs() async throws {
        try await withBench { bench in
            let version = try #require(try await bench.model.versions()["l0.m00"])
            try await bench.database.pool.query(
                """
                INSERT INTO eclm.costs (module_version_id, device_class_id, memory, flops, latency_us, measured_by)
                SELECT \(version.moduleVersionID.rawValue), device_class_id, 77, 88, 99, 'lab' FROM eclm.device_classes
                """)
            try await bench.model.submit([.init("l0.m00")], from: "device")
            _ = try await bench.round()
            let new = try #require(try await bench.model.versions()["l0.m00"])
            let row = try await bench.database.pool.query(
                """
                SELECT memory, flops, latency_us, measured_by FROM eclm.costs
                WHERE module_version_id = \(new.moduleVersionID.rawValue)
                """
            ).one()
            #expect(try row.decode("memory", as: Int64.self) == 77)
            #expect(try row.decode("flops", as: Int64.self) == 88)
            #expect(try row.decode("latency_us", as: Int64.self) == 99)
            #expect(try row.decode("measured_by", as: String.self) == "lab")
        }
    }

    @Test("waits for the minimum of updates, but not longer than the maximum wait")
    func minimum() async throws {
        var policy = TrainerPolicy()
        policy.minimumUpdates = 2
        policy.maximumWait = .milliseconds(400)
        try await withBench(policy: policy) { bench in
            try await bench.model.submit([.init("l0.m00")], from: "device-1")
            #expect(try await bench.round() == nil)
            try await Task.sleep(for: .milliseconds(500))
            #expect(try await bench.round()?.updates.count == 1)
            try await bench.model.submit([.init("l0.m00")], from: "device-1")
            try await bench.model.submit([.init("l0.m00")], from: "device-2")
            #expect(try await bench.round()?.updates.count == 2)
        }
    }

    @Test("takes no more than the maximum, oldest first")
    func maximum() async throws {
        var policy = TrainerPolicy()
        policy.maximumUpdates = 2
        try await withBench(policy: policy) { bench in
            var ids: [UpdateID] = []
            for device in 0..<5 {
                ids.append(
                    try await bench.model.submit([.init("l0.m00")], from: "device-\(device)", seed: UInt64(device)))
            }
            var counted: [[UpdateID]] = []
            while let outcome = try await bench.round() { counted.append(outcome.updates) }
            #expect(counted == [Array(ids[..<2]), Array(ids[2..<4]), Array(ids[4...])])
        }
    }

    @Test("says which model or channel is missing")
    func missing() async throws {
        var policy = TrainerPolicy()
        policy.channel = "canary"
        try await withBench(policy: policy) { bench in
            try await bench.model.submit([.init("l0.m00")], from: "device")
            await #expect {
                _ = try await bench.round()
            } throws: { error in
                (error as? TrainerError)?.code == .notFound && "\(error)".contains("canary")
            }
            await #expect {
                _ = try await bench.trainer.runRound(model: "nobody")
            } throws: { error in
                (error as? TrainerError)?.code == .notFound && "\(error)".contains("nobody")
            }
            #expect(try await bench.trainer.drain().isEmpty)
        }
    }

    @Test("refuses a policy that cannot work")
    func policy() async throws {
        var policy = TrainerPolicy()
        policy.minimumUpdates = 300
        #expect(throws: TrainerError.self) { try policy.check() }
        policy = TrainerPolicy()
        policy.pollInterval = .zero
        #expect(throws: TrainerError.self) { try policy.check() }
        try TrainerPolicy().check()
    }
}
