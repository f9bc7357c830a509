import Aggregation
import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("A past round computed again from the database")
struct ReplayTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var rule: String
        var parameters: [String: Double] = [:]
        var trainsSelector = false
        /// As many as the rule needs.
        var devices = 5
        var testDescription: String { "\(rule) \(parameters)\(trainsSelector ? " with the selector" : "")" }
    }

    static let cases: [Case] = [
        Case(rule: "importance_mean"),
        Case(rule: "importance_mean", parameters: ["clip_norm": 2], trainsSelector: true),
        Case(rule: "sample_mean"), Case(rule: "median", parameters: ["clip_norm": 2]),
        Case(rule: "trimmed_mean", parameters: ["fraction": 0.3]),
        Case(rule: "geometric_median", trainsSelector: true), Case(rule: "krum", parameters: ["f": 1]),
        // 2f + 3 are too few where m + f + 2 are more.
        Case(rule: "multi_krum", parameters: ["f": 1, "m": 3], devices: 6),
        Case(rule: "importance_mean", parameters: ["staleness": 0.5, "maximum_staleness": 5]),
        Case(rule: "sample_mean", parameters: ["staleness": 2, "norm_z": 1000]),
    ]

    private static let encodings: [UpdateEncoding] = [.full, .delta, .int8Delta, .sparseDelta, .full, .delta]

    private func set(_ change: PolicyChange, _ bench: Bench) async throws {
        _ = try await bench.model.registry.setPolicy(
            of: bench.model.name, change, as: Provenance(actor: "operator", reason: "test"))
    }

    private func submit(to bench: Bench, devices: Int = 5, seed: UInt64) async throws {
        for device in 0..<devices {
            try await bench.model.submit(
                [
                    .init("l0.m00", importance: Double(device) + 0.1, samples: Int64(device + 1)),
                    .init("stem0", samples: Int64(device + 3)), .init("selector0"),
                ], from: "device-\(device)", seed: seed + UInt64(device))
        }
    }

    /// Differences to a module of release 1, whatever the channel points to.
    private func submitDifferences(to bench: Bench, devices: Int) async throws {
        let versions = try await bench.model.versions(release: .number(1))
        let base = try await bench.model.bytes(try #require(versions["l0.m01"]).digest)
        for (device, encoding) in Self.encodings.prefix(devices).enumerated() {
            var residual: UpdateResidual?
            let trained = try bench.model.weights(of: "l0.m01", seed: UInt64(50 + device))
            let file =
                encoding == .full
                ? trained
                : try UpdateEncoder.encode(
                    trained: trained, base: base, as: encoding, fraction: 0.2, residual: &residual)
            try await bench.model.submit(
                [.init("l0.m01", importance: Double(device + 1), bytes: file, encoding: encoding)],
                from: "device-\(device)", release: 1)
        }
    }

    private func replay(_ round: Int, _ bench: Bench) async throws -> RoundReplay {
        try await bench.database.withPool(as: .reader) { pool in
            try await RoundReplayer(registry: bench.registry(over: pool)).replay(round: round, of: bench.model.name)
        }
    }

    @Test("has the recorded bytes and weights, by the policy of then", arguments: cases)
    func equal(example: Case) async throws {
        try await withBench { bench in
            try await set(
                PolicyChange(
                    rule: example.rule, parameters: example.parameters, trainsSelector: example.trainsSelector), bench)
            try await submit(to: bench, devices: example.devices, seed: 100)
            _ = try #require(try await bench.round())
            try await submitDifferences(to: bench, devices: example.devices)
            _ = try #require(try await bench.round())
            try await submitDifferences(to: bench, devices: example.devices)
            _ = try #require(try await bench.round())
            // Neither a later policy nor a rollback changes what a round was made of.
            try await set(PolicyChange(rule: "krum", parameters: ["f": 2], trainsSelector: false), bench)
            _ = try await bench.model.registry.rollback(
                bench.model.name, channel: "stable", to: .release(1), as: Provenance(actor: "operator", reason: "test"))

            let replays = [try await replay(1, bench), try await replay(2, bench), try await replay(3, bench)]
            for replay in replays {
                #expect(replay.isEqual, "\(replay)")
                #expect(replay.updates == example.devices && replay.policyRevision == 1)
                #expect(!replay.modules.isEmpty)
            }
            let trained = example.trainsSelector ? ["l0.m00", "selector0", "stem0"] : ["l0.m00", "stem0"]
            #expect(replays[0].modules.map(\.module).sorted() == trained)
            #expect(replays[1].modules.map(\.version) == [2])
        }
    }

    @Test("needs no policy where the rule has no parameters, and tells of modules that kept their version")
    func plain() async throws {
        try await withBench(trainsSelector: true) { bench in
            let same = try await bench.model.bytes(try #require(try await bench.model.versions()["l0.m01"]).digest)
            try await bench.model.submit(
                [.init("selector0"), .init("l0.m01", bytes: same)], from: "device")
            _ = try #require(try await bench.round())
            let replay = try await replay(1, bench)
            #expect(replay.isEqual && replay.policyRevision == nil && replay.rule == "importance_mean_selector")
            #expect(replay.modules.first { $0.module == "l0.m01" }?.version == .some(nil))
            #expect(replay.modules.first { $0.module == "selector0" }?.version == 2)
        }
    }

    @Test("finds everything that it needs after garbage collection")
    func garbage() async throws {
        try await withBench { bench in
            try await submit(to: bench, seed: 1)
            _ = try #require(try await bench.round())
            _ = try await bench.model.registry.blobs.collectGarbage(grace: .zero)
            #expect(try await replay(1, bench).isEqual)
        }
    }

    @Test("differs where somebody changed an input, the lineage or the stored bytes")
    func tampered() async throws {
        try await withBench { bench in
            try await submit(to: bench, seed: 1)
            _ = try #require(try await bench.round())
            func tamper(_ table: String, _ statement: String) async throws -> RoundReplay {
                try await bench.database.withConnection { connection in
                    try await connection.execute(
                        script: "ALTER TABLE eclm.\(table) DISABLE TRIGGER USER; \(statement);")
                }
                return try await replay(1, bench)
            }
            let module = "(SELECT module_id FROM eclm.modules WHERE name = 'l0.m00')"
            let weights = try await tamper(
                "lineage",
                "UPDATE eclm.lineage SET weight = weight / 2 WHERE update_id IS NOT NULL "
                    + "AND module_version_id IN (SELECT module_version_id FROM eclm.module_versions WHERE module_id = \(module))"
            )
            let lineage = try #require(weights.modules.first { $0.module == "l0.m00" })
            #expect(lineage.recorded == lineage.recomputed && !lineage.isEqual && lineage.problem != nil)
            #expect(weights.modules.filter { !$0.isEqual }.count == 1)

            let input = try await tamper(
                "update_modules",
                "UPDATE eclm.update_modules SET importance = importance + 1 WHERE module_id = \(module)")
            let changed = try #require(input.modules.first { $0.module == "l0.m00" })
            #expect(changed.recomputed != nil && changed.recorded != changed.recomputed)

            let bytes = try await tamper(
                "blob_chunks",
                """
                DELETE FROM eclm.blob_chunks WHERE storage_id = (SELECT b.storage_id FROM eclm.blobs b
                    JOIN eclm.update_modules um USING (digest) JOIN eclm.modules m USING (module_id)
                    WHERE m.name = 'stem0' ORDER BY um.update_id LIMIT 1)
                """)
            let lost = try #require(bytes.modules.first { $0.module == "stem0" })
            #expect(lost.recomputed == nil && !lost.isEqual && lost.problem != nil)
        }
    }

    @Test("is refused for an unknown round, and for a rule whose parameters nobody recorded")
    func refused() async throws {
        try await withBench(rule: try TrimmedMean(fraction: 0.2)) { bench in
            try await submit(to: bench, seed: 1)
            _ = try #require(try await bench.round())
            await #expect {
                _ = try await replay(2, bench)
            } throws: { ($0 as? TrainerError)?.code == .notFound }
            await #expect {
                _ = try await replay(1, bench)
            } throws: { error in
                (error as? TrainerError)?.code == .registryUnfit && "\(error)".contains("trimmed_mean")
            }
        }
    }
}
