import Aggregation
import ECLMCore
import Foundation
import Logging
import PostgreSQL
import PythonReference
import Registry
import TestSupport
import Testing

@testable import Trainer

@Suite("Trouble of the registry's own keeps a round from being made, and takes no update out of the queue")
struct RegistryTroubleTests {
    struct Rule: Sendable, CustomTestStringConvertible {
        var name: String
        var parameters: [String: Double] = [:]
        var testDescription: String { "\(name) \(parameters)" }

        static let all: [Rule] = [
            Rule(name: "importance_mean"), Rule(name: "importance_mean", parameters: ["clip_norm": 1]),
            Rule(name: "importance_mean", parameters: ["norm_z": 8]),
            Rule(name: "importance_mean", parameters: ["refuse_duplicates": 1]), Rule(name: "sample_mean"),
            Rule(name: "median"), Rule(name: "trimmed_mean"), Rule(name: "krum", parameters: ["f": 1]),
            Rule(name: "multi_krum", parameters: ["f": 1, "m": 2]), Rule(name: "geometric_median"),
            Rule(name: "private_mean", parameters: ["noise_multiplier": 1, "clip_norm": 1, "delta": 1e-6]),
        ]
    }

    /// A round fails and changes nothing; the trouble is written down.
    private func expectWaiting(
        _ updates: [UpdateID], _ bench: Bench, _ trainer: Trainer? = nil, _ code: TrainerError.Code = .registryUnfit,
        says text: String
    ) async throws {
        let error = await #expect(throws: TrainerError.self) {
            try await (trainer ?? bench.trainer).runRound(model: bench.model.name)
        }
        #expect(error?.code == code && error?.message.contains(text) == true, "\(String(describing: error))")
        for update in updates { #expect(try await bench.status(update) == .pending) }
        let obstacles = try await bench.model.registry.roundObstacles(of: bench.model.name)
        #expect(obstacles.count == 1 && obstacles.first?.code == code.name && obstacles.first?.waiting == updates.count)
        #expect(obstacles.first?.problem.contains(text) == true, "\(obstacles)")
    }

    @Test("Weights that are lost, of an update or of either base, under every rule", arguments: Rule.all)
    func lostBytes(rule: Rule) async throws {
        try await withBench { bench in
            let first = try #require(try await bench.model.versions()["l0.m00"]).digest
            let base = try await bench.model.bytes(first)
            try await bench.model.submit([.init("l0.m00")], from: "early", seed: 3)
            _ = try #require(try await bench.round())
            let second = try #require(try await bench.model.versions()["l0.m00"]).digest
            _ = try await bench.model.registry.setPolicy(
                of: bench.model.name, PolicyChange(rule: rule.name, parameters: rule.parameters.mapValues { $0 }),
                as: Provenance(actor: "operator", reason: "test"))
            var updates: [UpdateID] = []
            var brought: [Digest] = []
            for device in 0..<5 {
                let trained = try bench.model.weights(of: "l0.m00", seed: UInt64(100 + device))
                var residual: UpdateResidual?
                let file = try UpdateEncoder.encode(trained: trained, base: base, as: .delta, residual: &residual)
                brought.append(Digest.of(file))
                updates.append(
                    try await bench.model.submit(
                        [.init("l0.m00", bytes: file, encoding: .delta)], from: "device-\(device)", release: 1))
            }
            for (lost, says) in [
                (brought[2], "update quarantine \(updates[2])"), (first, "version 1 of l0.m00"),
                (second, "version 2 of l0.m00"),
            ] {
                try await bench.database.lose(lost)
                try await expectWaiting(updates, bench, says: says)
                try await bench.database.bringBack()
            }
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == updates && outcome.quarantined.isEmpty)
            #expect(try await bench.model.registry.roundObstacles().isEmpty)
        }
    }

    @Test("Bytes that changed, whatever they look like now", arguments: [8, 290])
    func changedBytes(place: Int) async throws {
        try await withBench { bench in
            let bytes = try bench.model.weights(of: "l0.m00", seed: 5)
            let update = try await bench.model.submit([.init("l0.m00", bytes: bytes)], from: "device-1")
            let other = try await bench.model.submit([.init("l0.m00")], from: "device-2", seed: 9)
            // All bits of a float's high byte set is a NaN or close to one; in the header it is no header any more.
            try await bench.database.change(Digest.of(bytes), at: place, to: 255)
            try await expectWaiting([update, other], bench, says: "update quarantine \(update)")
            // The way out where they are lost for good.
            let taken = try await bench.model.registry.quarantine(
                [update], as: Provenance(actor: "alice", reason: "the disk is gone"))
            #expect(taken.map(\.quarantineReason) == ["taken out by alice: the disk is gone"])
            #expect(try await bench.round()?.updates == [other])
            #expect(try await bench.model.registry.roundObstacles().isEmpty)
        }
    }

    @Test("A version whose bytes changed, under rules that read it block by block", arguments: ["median", "krum"])
    func changedVersion(rule: String) async throws {
        try await withBench { bench in
            _ = try await bench.model.registry.setPolicy(
                of: bench.model.name, PolicyChange(rule: rule, parameters: rule == "krum" ? ["f": 0] : [:]),
                as: Provenance(actor: "operator", reason: "test"))
            var updates: [UpdateID] = []
            for device in 0..<3 {
                updates.append(
                    try await bench.model.submit([.init("l0.m00")], from: "device-\(device)", seed: UInt64(device)))
            }
            let version = try #require(try await bench.model.versions()["l0.m00"])
            try await bench.database.change(version.digest, at: Int(version.costs.bytes) - 1, to: 3)
            try await expectWaiting(updates, bench, says: "version 1 of l0.m00")
        }
    }

    @Test("A blob directory that is away, and a trainer that was given none")
    func directoryAway() async throws {
        try await withBench { bench in
            let folder = try TemporaryFolder()
            let root = folder.file("blobs")
            let bytes = try bench.model.weights(of: "l0.m00", seed: 5)
            let update = try await submit(bytes, storedIn: root, bench)
            try await expectWaiting([update], bench, nil, .unavailable, says: "--blob-directory")
            try await withTrainer(over: root, bench) { trainer in
                try FileManager.default.moveItem(atPath: root, toPath: root + ".away")
                try await expectWaiting([update], bench, trainer, .unavailable, says: "mount it")
                // Nothing is written under the mount point either.
                let other = try await bench.model.submit([.init("l1.m00")], from: "device-2", seed: 9)
                _ = try await bench.model.registry.quarantine([update], as: Provenance(actor: "a", reason: "later"))
                try await expectWaiting([other], bench, trainer, .unavailable, says: "mount it")
                #expect(!FileManager.default.fileExists(atPath: root))
                try FileManager.default.moveItem(atPath: root + ".away", toPath: root)
                _ = try await bench.model.registry.requeue([update], as: Provenance(actor: "a", reason: "mounted"))
                #expect(try await trainer.runRound(model: "mlp")?.updates == [update, other])
            }
        }
    }

    @Test("One file of a blob directory that is gone")
    func fileGone() async throws {
        try await withBench { bench in
            let folder = try TemporaryFolder()
            let root = folder.file("blobs")
            let bytes = try bench.model.weights(of: "l0.m00", seed: 5)
            let update = try await submit(bytes, storedIn: root, bench)
            let paths = try FileManager.default.subpathsOfDirectory(atPath: root)
            let file = root + "/" + (try #require(paths.first { $0.contains(Digest.of(bytes).hex) }))
            try FileManager.default.moveItem(atPath: file, toPath: folder.file("kept"))
            try await withTrainer(over: root, bench) { trainer in
                try await expectWaiting([update], bench, trainer, says: "update quarantine \(update)")
                try FileManager.default.moveItem(atPath: folder.file("kept"), toPath: file)
                #expect(try await trainer.runRound(model: "mlp")?.updates == [update])
            }
        }
    }

    @Test(
        "A full disk of the blob directory",
        .enabled(if: TestDisk.isAvailable, Comment(rawValue: TestDisk.requirement)))
    func fullDirectory() async throws {
        try await TestDisk.withTableSpace(megabytes: 2) { _, disk in
            try await withBench { bench in
                let update = try await bench.model.submit([.init("l0.m00")], from: "device-1")
                let filler = disk.path + "/filler"
                #expect(FileManager.default.createFile(atPath: filler, contents: nil))
                let file = try FileHandle(forWritingTo: URL(fileURLWithPath: filler))
                #expect(throws: (any Error).self) {
                    while true { try file.write(contentsOf: Data(count: 1 << 12)) }
                }
                try file.close()
                try await withTrainer(over: disk.path + "/blobs", bench) { trainer in
                    try await expectWaiting([update], bench, trainer, .unavailable, says: "blob directory")
                    try FileManager.default.removeItem(atPath: filler)
                    #expect(try await trainer.runRound(model: "mlp")?.updates == [update])
                }
            }
        }
    }

    @Test(
        "A full disk of the database",
        .enabled(if: TestDisk.isAvailable, Comment(rawValue: TestDisk.requirement)))
    func fullDatabase() async throws {
        try await TestDisk.withTableSpace(megabytes: 8) { tableSpace, _ in
            try await withBench(width: 10_001) { bench in
                let update = try await bench.model.submit([.init("l0.m00")], from: "device-1")
                try await bench.database.pool.query(
                    "ALTER TABLE eclm.blob_chunks SET TABLESPACE \(identifier: tableSpace)")
                await #expect(throws: RegistryError.self) {
                    for seed in 0... {
                        let bytes = testBytes(1 << 16, seed: UInt64(seed))
                        try await bench.model.registry.blobs.put(bytes, digest: .of(bytes))
                    }
                }
                try await expectWaiting([update], bench, nil, .unavailable, says: "disk is full")
                try await bench.database.pool.query("ALTER TABLE eclm.blob_chunks SET TABLESPACE pg_default")
                #expect(try await bench.round()?.updates == [update])
            }
        }
    }

    @Test("A statement that takes too long")
    func timeOut() async throws {
        try await withBench { bench in
            let update = try await bench.model.submit([.init("l0.m00")], from: "device-1")
            try await bench.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                            $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
                        CREATE TRIGGER slow BEFORE INSERT ON eclm.rounds FOR EACH ROW EXECUTE FUNCTION slow();
                        """)
            }
            var configuration = PostgresConfiguration(
                connectionString: bench.database.connectionString(as: .trainer))
            configuration.statementTimeout = .seconds(2)
            let pool = PostgresPool(configuration: configuration)
            let trainer = try makeTrainer(pool, TrainerPolicy(), ImportanceWeightedMean(), "hurried")
            try await expectWaiting([update], bench, trainer, .unavailable, says: "statement_timeout")
            await pool.shutdown()
            try await bench.database.pool.query("DROP TRIGGER slow ON eclm.rounds")
            #expect(try await bench.round()?.updates == [update])
        }
    }

    @Test("A database that refuses every round blames no update")
    func refusesAll() async throws {
        try await withBench { bench in
            var updates: [UpdateID] = []
            for device in 0..<3 {
                updates.append(
                    try await bench.model.submit([.init("l0.m00")], from: "device-\(device)", seed: UInt64(device)))
            }
            try await bench.database.withConnection { connection in
                try await connection.execute(
                    script: """
                        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                            $$ BEGIN RAISE EXCEPTION 'no round today'; END $$;
                        CREATE TRIGGER refuse BEFORE INSERT ON eclm.rounds FOR EACH ROW EXECUTE FUNCTION refuse();
                        """)
            }
            try await expectWaiting(updates, bench, nil, .roundFailed, says: "no round today")
            #expect(try await bench.count("SELECT count(*) FROM eclm.rounds") == 0)
            try await bench.database.pool.query("DROP TRIGGER refuse ON eclm.rounds")
            #expect(try await bench.round()?.updates == updates)
        }
    }

    /// Submits weights that lie in a blob directory.
    private func submit(_ bytes: [UInt8], storedIn directory: String, _ bench: Bench) async throws -> UpdateID {
        let pool = bench.database.pool
        let registry = Registry(
            pool: pool, blobs: BlobStore(pool: pool, directory: directory), logger: Logger(label: "test"))
        return try await ModelFixture.mirror(of: bench.model, in: registry).submit(
            [.init("l0.m00", bytes: bytes)], from: "device-1")
    }

    private func withTrainer(
        over directory: String, _ bench: Bench, _ body: (Trainer) async throws -> Void
    ) async throws {
        try await bench.database.withPool(as: .trainer) { pool in
            let registry = Registry(
                pool: pool, blobs: BlobStore(pool: pool, directory: directory), logger: Logger(label: "test"))
            var logger = Logger(label: "trainer")
            logger.logLevel = .critical
            try await body(try Trainer(registry: registry, name: "trainer-2", logger: logger))
        }
    }
}

extension TestDatabase {
    /// Takes the stored bytes of a blob away; ``bringBack()`` returns them.
    func lose(_ digest: Digest) async throws {
        try await withConnection { connection in
            try await connection.execute(
                script: """
                    SET session_replication_role = replica;
                    CREATE TABLE IF NOT EXISTS public.lost_chunks (LIKE eclm.blob_chunks);
                    """)
            try await connection.query(
                """
                WITH lost AS (DELETE FROM eclm.blob_chunks
                    WHERE storage_id = (SELECT storage_id FROM eclm.blobs WHERE digest = \(digest.bytes)) RETURNING *)
                INSERT INTO public.lost_chunks SELECT * FROM lost
                """)
        }
    }

    /// Returns the bytes of all blobs that were lost.
    func bringBack() async throws {
        try await withConnection { connection in
            try await connection.execute(
                script: """
                    SET session_replication_role = replica;
                    WITH found AS (DELETE FROM public.lost_chunks RETURNING *)
                    INSERT INTO eclm.blob_chunks SELECT * FROM found;
                    """)
        }
    }

    /// Changes a stored byte of a blob.
    func change(_ digest: Digest, at place: Int, to value: Int) async throws {
        try await withConnection { connection in
            try await connection.execute(script: "SET session_replication_role = replica")
            try await connection.query(
                """
                UPDATE eclm.blob_chunks SET data = set_byte(data, \(Int32(place)), \(Int32(value)))
                WHERE storage_id = (SELECT storage_id FROM eclm.blobs WHERE digest = \(digest.bytes))
                """)
        }
    }
}
