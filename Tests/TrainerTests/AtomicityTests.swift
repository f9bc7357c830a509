import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("A round happens as a whole or not at all")
struct AtomicityTests {
    /// Everything a round could leave behind.
    private func traces(_ bench: Bench) async throws -> [Int64] {
        var counts: [Int64] = []
        for table in [
            "rounds", "round_updates", "module_versions", "requirements", "lineage", "releases", "release_modules",
            "channel_moves", "blobs", "blob_chunks", "costs", "audit",
        ] {
            counts.append(try await bench.count("SELECT count(*) FROM eclm.\(raw: table)"))
        }
        counts.append(try await bench.count("SELECT count(*) FROM eclm.updates WHERE status <> 'pending'"))
        return counts
    }

    @Test("when its connection is killed on the way, and the next one completes", arguments: Place.all)
    func killed(place: Place) async throws {
        try await withBench { bench in
            var ids: [UpdateID] = []
            for device in 0..<3 {
                ids.append(
                    try await bench.model.submit(
                        [.init("l0.m00"), .init("l1.m02"), .init("head0")], from: "device-\(device)",
                        seed: UInt64(device)))
            }
            try await bench.database.killOnce(at: place)
            let before = try await traces(bench)
            await #expect {
                _ = try await bench.round()
            } throws: { error in
                (error as? TrainerError)?.code == .unavailable
            }
            #expect(try await traces(bench) == before)
            for id in ids { #expect(try await bench.status(id) == .pending) }

            let outcome = try await bench.nextRound()
            #expect(outcome.updates == ids)
            #expect(outcome.newVersions == 3)
            #expect(try await bench.count("SELECT count(*) FROM eclm.round_updates") == 3)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("when the task is cancelled on the way")
    func cancelled() async throws {
        try await withBench { bench in
            let id = try await bench.model.submit([.init("l0.m00")], from: "device")
            try await bench.database.stopOnce(at: Place(table: "rounds"))
            let before = try await traces(bench)
            try await bench.database.withGateClosed { () async throws in
                let task = Task { try await bench.round() }
                #expect(try await eventually { try await bench.database.somebodyWaits() })
                task.cancel()
                await #expect(throws: TrainerError.self) { _ = try await task.value }
            }
            #expect(try await traces(bench) == before)
            #expect(try await bench.nextRound().updates == [id])
        }
    }

    @Test("on the base that a rollback left meanwhile: it begins anew and quarantines what was trained on it")
    func rollbackMeanwhile() async throws {
        try await withBench { bench in
            try await bench.model.submit([.init("l0.m00")], from: "first", seed: 1)
            _ = try await bench.round()
            let suspect = try await bench.model.submit([.init("l0.m00")], from: "late", seed: 2)
            let sound = try await bench.model.submit([.init("l0.m00")], from: "sound", release: 1, seed: 3)
            try await bench.database.stopOnce(at: Place(table: "blobs"))
            var running: Task<RoundOutcome?, any Error>?
            try await bench.database.withGateClosed {
                running = Task { try await bench.round() }
                #expect(try await eventually { try await bench.database.somebodyWaits() })
                _ = try await bench.model.registry.rollback(
                    bench.model.name, channel: "stable", to: .release(1),
                    as: Provenance(actor: "operator", reason: "release 2 is bad"))
            }
            let outcome = try #require(try await running?.value)
            #expect(outcome.updates == [sound])
            #expect(outcome.quarantined.map(\.updateID) == [suspect])
            #expect(try await bench.reason(suspect) == "base release 2 was rolled back")
            // Rolled back to 1 as release 3; the round builds on 3, not on 2.
            #expect(outcome.release == 4)
            let release = try await bench.model.registry.release(of: bench.model.name, .standard)
            #expect(release.number == 4)
            #expect(release.parent == 3)
            let base = try await bench.database.pool.query(
                """
                SELECT parent_version FROM eclm.version_lineage
                WHERE module = 'l0.m00' AND version = 3 AND parent_kind = 'version'
                """)
            #expect(try base.one().decode("parent_version", as: Int32.self) == 1)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("on what was published meanwhile")
    func publishMeanwhile() async throws {
        try await withBench { bench in
            let update = try await bench.model.submit([.init("l0.m00")], from: "device")
            try await bench.database.stopOnce(at: Place(table: "blobs"))
            var running: Task<RoundOutcome?, any Error>?
            let weights = try bench.model.weights(of: "l1.m01", seed: 77)
            // Stored before the gate exists: storing a blob would stop at it.
            try await bench.database.withGateClosed {
                running = Task { try await bench.round() }
                #expect(try await eventually { try await bench.database.somebodyWaits() })
                try await bench.model.registry.blobs.put(weights, digest: .of(weights))
                var manifest = bench.model.manifest
                manifest.modules = manifest.modules.filter { $0.name == "l1.m01" }
                manifest.modules[0].digest = .of(weights)
                manifest.modules[0].costs.bytes = 0
                _ = try await bench.model.registry.publish(
                    manifest, channel: "stable", as: Provenance(actor: "publisher"))
            }
            let outcome = try #require(try await running?.value)
            #expect(outcome.updates == [update])
            #expect(outcome.release == 3)
            let versions = try await bench.model.versions()
            #expect(versions["l0.m00"]?.version == 2)
            #expect(versions["l1.m01"]?.digest == .of(weights))
        }
    }

    @Test("and each update counts once, with two trainers at work")
    func twoTrainers() async throws {
        var policy = TrainerPolicy()
        policy.maximumUpdates = 5
        try await withBench(policy: policy) { bench in
            var ids: [UpdateID] = []
            for device in 0..<23 {
                ids.append(
                    try await bench.model.submit(
                        [.init("l0.m00"), .init("l0.m0\(1 + device % 2)")], from: "device-\(device)",
                        seed: UInt64(device)))
            }
            let counted = try await bench.withOtherTrainer(policy: policy) { other in
                try await withThrowingTaskGroup(of: [UpdateID].self) { group in
                    for trainer in [bench.trainer, other] {
                        group.addTask {
                            var counted: [UpdateID] = []
                            var idle = 0
                            while idle < 3 {
                                if let outcome = try await trainer.runRound(model: bench.model.name) {
                                    counted += outcome.updates
                                    idle = 0
                                } else {
                                    idle += 1
                                    try await Task.sleep(for: .milliseconds(100))
                                }
                            }
                            return counted
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
            #expect(counted.sorted() == ids)
            #expect(try await bench.count("SELECT count(*) FROM eclm.round_updates") == 23)
            let rounds = try await bench.count("SELECT count(*) FROM eclm.rounds")
            #expect(try await bench.count("SELECT max(number)::bigint FROM eclm.rounds") == rounds)
            // One chain of releases: each stands on the one before.
            let forks = try await bench.count(
                """
                SELECT count(*) FROM eclm.releases e LEFT JOIN eclm.releases p ON p.release_id = e.parent_release_id
                WHERE e.number > 1 AND p.number IS DISTINCT FROM e.number - 1
                """)
            #expect(forks == 0)
            #expect(try await bench.auditIsWhole())
        }
    }
}
