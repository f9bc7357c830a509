import Composition
import ECLMCore
import Foundation
import Logging
import PostgreSQL
import Registry
import TestSupport
import Testing

@Suite("Canaries")
struct CanaryTests {
    private let alice = Provenance(actor: "alice", reason: "trial")
    static let devices = (0..<160).map { "device-\($0)" }

    static func settings(candidate: Int = 2) -> CanarySettings {
        CanarySettings(
            candidate: candidate, share: 0.4, metric: "accuracy", margin: 0.2, alpha: 0.01, beta: 0.01,
            minimumObservations: 10)
    }

    /// A model with a release that no channel carries, devices, and a registry with the trainer's rights alone.
    private func withModel(_ body: (TestDatabase, ModelFixture, Registry) async throws -> Void) async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await model.publishChange()
            try await model.registerDevices(Self.devices)
            try await database.withPool(as: .trainer) { pool in
                try await body(
                    database, model, Registry(pool: pool, blobs: BlobStore(pool: pool), logger: Logger(label: "test")))
            }
        }
    }

    private func stable(_ model: ModelFixture) async throws -> Int {
        try await model.registry.release(of: "mlp", .standard).number
    }

    @Test("give the candidate to the same share of devices in SQL and in Swift, and each canary to others")
    func assignment() async throws {
        try await withModel { database, model, _ in
            let names = (0..<4000).map { "device:\($0).é" }
            var members: [Set<String>] = []
            for byte in UInt8(0)..<3 {
                let assignment = CanaryAssignment(salt: [UInt8](repeating: byte, count: 16), share: 0.1)
                let rows = try await database.pool.query(
                    """
                    SELECT n FROM unnest(\(names)) n WHERE eclm.in_canary(\(assignment.salt), \(assignment.share), n)
                    """)
                let chosen = Set(try rows.map { try $0.decode("n", as: String.self) })
                #expect(chosen == Set(names.filter(assignment.includes)))
                // 400 by the share; 5 standard deviations.
                #expect((305...495).contains(chosen.count))
                members.append(chosen)
            }
            // Independent: a tenth of a tenth in both.
            #expect(members[0].intersection(members[1]).count < 100)
            #expect(members[1].intersection(members[2]).count < 100)
            #expect(!CanaryAssignment(salt: [1], share: 1e-300).includes("x"))
        }
    }

    @Test("promote what is not worse, with the evidence in the audit")
    func promotion() async throws {
        try await withModel { database, model, trainer in
            let canary = try await model.registry.startCanary(of: "mlp", Self.settings(), as: alice)
            #expect(canary.state == .running && canary.control == 1 && canary.startedBy == "alice")
            #expect(canary.candidateBlock == 1 && canary.controlBlock == 1)
            #expect(try await trainer.advanceCanaries(as: "trainer-1").isEmpty)
            // A report of a release that the device was not given counts nowhere; a second report neither.
            let device = try #require(Self.devices.first(where: canary.assignment.includes))
            #expect(
                try await model.registry.reportMetrics(["accuracy": 0], of: "mlp", release: 1, from: device) == 0)
            #expect(
                try await model.registry.reportMetrics(["accuracy": 0.8], of: "mlp", release: 2, from: device) == 1)
            #expect(
                try await model.registry.reportMetrics(["accuracy": 0], of: "mlp", release: 2, from: device) == 1)
            #expect(try await model.registry.reportMetrics(["loss": 1], of: "mlp", release: 2, from: device) == 0)
            try await model.report(to: canary, from: Self.devices) { _ in 0.8 }
            let ended = try await trainer.advanceCanaries(as: "trainer-1")
            #expect(ended.map(\.state) == [.promoted])
            let record = try await model.registry.canary(canary.canaryID)
            #expect(record == ended.first)
            #expect(record.decidedBy == "trainer-1" && record.decision?.contains("not worse by 0.2") == true)
            #expect(record.test.candidate.mean == 0.8 && record.test.candidate.observations >= 10)
            // It stopped as soon as it could: some reports were not needed.
            #expect(record.test.blocks < 40)
            #expect(try await stable(model) == 2)
            #expect(try await trainer.advanceCanaries(as: "trainer-1").isEmpty)

            let rows = try await database.pool.query(
                "SELECT actor, detail FROM eclm.audit WHERE action = 'canary.update'")
            let detail = try rows.one().decode("detail", as: JSONText.self).text
            struct Detail: Decodable {
                struct Evidence: Decodable {
                    struct Test: Decodable { var log_e_value: Double, needed: Double }
                    struct Arm: Decodable { var observations: Int64, mean: Double }
                    var promotion: Test, rollback: Test, candidate: Arm, control: Arm, blocks: Int64
                }
                var state: String, evidence: Evidence, reason: String
            }
            let evidence = try JSONDecoder().decode(Detail.self, from: Data(detail.utf8))
            #expect(evidence.state == "promoted" && evidence.reason.hasPrefix("canary 1:"))
            #expect(abs(evidence.evidence.promotion.log_e_value - record.test.promotion.logEValue) < 1e-9)
            #expect(abs(evidence.evidence.rollback.log_e_value - record.test.rollback.logEValue) < 1e-9)
            #expect(evidence.evidence.promotion.log_e_value >= evidence.evidence.promotion.needed)
            #expect(evidence.evidence.candidate.observations == record.test.candidate.observations)
            #expect(try await model.registry.verifyAudit().breaks.isEmpty)
            let moves = try await model.registry.channelHistory(of: "mlp", channel: "stable").items
            #expect(moves.first?.movedBy == "trainer-1" && moves.first?.reason.contains("e-value") == true)
        }
    }

    @Test("roll back what is worse: the channel stays, and what was trained on the candidate is refused")
    func rollback() async throws {
        try await withModel { _, model, trainer in
            let canary = try await model.registry.startCanary(of: "mlp", Self.settings(), as: alice)
            // As the metrics of submissions this time.
            for (index, device) in Self.devices.enumerated() {
                let isCandidate = canary.assignment.includes(device)
                let base = try await model.registry.release(of: "mlp", .number(isCandidate ? 2 : 1))
                let rows = try await model.registry.pool.query(
                    """
                    INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest,
                        sample_count, metrics)
                    SELECT \(device), model_id, \(base.releaseID.rawValue), 'k', sha256('k'), 1,
                        jsonb_build_object('accuracy', \(isCandidate ? 0.3 : 0.9)::float8, 'note', 'x')
                    FROM eclm.models RETURNING update_id
                    """)
                #expect(rows.count == 1)
                if index % 10 == 9 { _ = try await trainer.advanceCanaries(as: "trainer-1") }
            }
            let record = try await model.registry.canary(canary.canaryID)
            #expect(record.state == .rolledBack && record.decision?.contains("is worse") == true)
            #expect(try await stable(model) == 1)
            #expect(try await model.registry.release(of: "mlp", .number(2)).withdrawn)
            await #expect(throws: RegistryError.self) {
                try await model.submit([.init("l0.m00")], from: "late", release: 2)
            }
            await #expect(throws: RegistryError.self) {
                try await model.registry.startCanary(of: "mlp", Self.settings(), as: alice)
            }
        }
    }

    @Test("decide once however many look, and count every report once across restarts")
    func concurrency() async throws {
        try await withModel { database, model, trainer in
            let canary = try await model.registry.startCanary(of: "mlp", Self.settings(), as: alice)
            var ended: [CanaryRecord] = []
            for start in stride(from: 0, to: Self.devices.count, by: 16) {
                try await model.report(to: canary, from: Array(Self.devices[start..<start + 16])) { $0 ? 0.75 : 0.7 }
                ended += try await withThrowingTaskGroup(of: [CanaryRecord].self) { group in
                    for looker in 0..<4 {
                        group.addTask { try await trainer.advanceCanaries(as: "trainer-\(looker)") }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
            #expect(ended.count == 1)
            let record = try await model.registry.canary(canary.canaryID)
            let row = try await database.pool.query(
                """
                SELECT count(*) FILTER (WHERE candidate AND block IS NOT NULL) AS candidate,
                    count(*) FILTER (WHERE NOT candidate AND block IS NOT NULL) AS control,
                    count(DISTINCT block) AS blocks, max(block) AS last FROM eclm.canary_observations
                """
            ).one()
            #expect(try row.decode("candidate", as: Int64.self) == record.test.candidate.observations)
            #expect(try row.decode("control", as: Int64.self) == record.test.control.observations)
            #expect(try row.decode("blocks", as: Int64.self) == record.test.blocks)
            #expect(try row.decode("last", as: Int64.self) == record.test.blocks)
            // The statistics are what the counted reports give when they are counted again.
            var again = try CanaryTest(record.settings)
            let rows = try await database.pool.query(
                """
                SELECT array_agg(value ORDER BY observation_id) FILTER (WHERE candidate) AS candidate,
                    array_agg(value ORDER BY observation_id) FILTER (WHERE NOT candidate) AS control
                FROM eclm.canary_observations WHERE block IS NOT NULL GROUP BY block ORDER BY block
                """)
            for row in rows { again.add(candidate: try row.decode("candidate"), control: try row.decode("control")) }
            #expect(again == record.test)
        }
    }

    @Test("expire at the deadline, and leave the channel and the candidate as they were")
    func expiry() async throws {
        try await withModel { _, model, trainer in
            var settings = Self.settings()
            settings.patience = 1
            let canary = try await model.registry.startCanary(of: "mlp", settings, as: alice)
            try await model.report(to: canary, from: Array(Self.devices.prefix(8))) { _ in 0.8 }
            try await Task.sleep(for: .milliseconds(1100))
            let ended = try await trainer.advanceCanaries(of: ["other"], as: "trainer-1")
            #expect(ended.isEmpty)
            #expect(try await trainer.advanceCanaries(of: ["mlp"], as: "trainer-1").map(\.state) == [.expired])
            #expect(try await stable(model) == 1)
            #expect(try await !model.registry.release(of: "mlp", .number(2)).withdrawn)
        }
    }

    @Test("end when somebody moves the channel, or withdraws the candidate")
    func cancelled() async throws {
        try await withModel { database, model, trainer in
            let first = try await model.registry.startCanary(of: "mlp", Self.settings(), as: alice)
            try await model.publishChange(seed: 3, channel: "stable")
            let moved = try await model.registry.canary(first.canaryID)
            #expect(moved.state == .cancelled && moved.decision == "channel stable was moved to release 3")
            #expect(moved.decidedBy == "publisher")

            // On another channel the candidate is rolled back.
            _ = try await model.registry.moveChannel(of: "mlp", channel: "next", to: 2, as: alice)
            let second = try await model.registry.startCanary(of: "mlp", Self.settings(), as: alice)
            _ = try await model.registry.rollback("mlp", channel: "next", to: .release(1), as: alice)
            let withdrawn = try await model.registry.canary(second.canaryID)
            #expect(withdrawn.state == .cancelled && withdrawn.decision?.contains("withdrew") == true)
            #expect(withdrawn.decidedBy == "alice")
            #expect(try await trainer.advanceCanaries(as: "trainer-1").isEmpty)
            let audited = try await database.pool.query(
                "SELECT detail -> 'evidence' IS NOT NULL AS told FROM eclm.audit WHERE action = 'canary.update'")
            #expect(try audited.map { try $0.decode("told", as: Bool.self) } == [true, true])
        }
    }

    @Test("are promoted and aborted by hand, with a reason")
    func byHand() async throws {
        try await withModel { _, model, _ in
            let registry = model.registry
            _ = try await registry.startCanary(of: "mlp", Self.settings(), as: alice)
            await #expect(throws: RegistryError.self) {
                try await registry.startCanary(of: "mlp", Self.settings(), as: alice)
            }
            await #expect(throws: RegistryError.self) {
                try await registry.abortCanary(of: "mlp", channel: "stable", as: Provenance(actor: "alice"))
            }
            let aborted = try await registry.abortCanary(
                of: "mlp", channel: "stable", as: Provenance(actor: "bob", reason: "a mistake"))
            #expect(aborted.state == .cancelled && aborted.decidedBy == "bob" && aborted.decision == "a mistake")
            #expect(try await stable(model) == 1)
            _ = try await registry.startCanary(of: "mlp", Self.settings(), as: alice)
            let promoted = try await registry.promoteCanary(
                of: "mlp", channel: "stable", as: Provenance(actor: "bob", reason: "looked at it"))
            #expect(promoted.state == .promoted)
            #expect(try await stable(model) == 2)
            #expect(try await registry.newestCanary(of: "mlp", channel: "stable") == promoted)
            #expect(try await registry.canaries(of: "mlp").items.map(\.state) == [.promoted, .cancelled])
            let error = await #expect(throws: RegistryError.self) {
                try await registry.promoteCanary(of: "mlp", channel: "stable", as: alice)
            }
            #expect(error?.code == .failedPrecondition)
        }
    }

    @Test("are refused for what does not exist or cannot be compared")
    func refusals() async throws {
        try await withModel { _, model, _ in
            func code(_ change: (inout CanarySettings) -> Void, model name: String = "mlp") async -> RegistryError.Code?
            {
                var settings = Self.settings()
                change(&settings)
                let changed = settings
                return await #expect(throws: RegistryError.self) {
                    try await model.registry.startCanary(of: name, changed, as: alice)
                }?.code
            }
            #expect(await code({ _ in }, model: "none") == .notFound)
            #expect(await code { $0.candidate = 9 } == .notFound)
            #expect(await code { $0.channel = "none" } == .notFound)
            #expect(await code { $0.candidate = 1 } == .failedPrecondition)
            #expect(await code { $0.share = 1 } == .invalidArgument)
            #expect(await code { $0.metric = "" } == .invalidArgument)
            #expect(await code { $0.margin = 1 } == .invalidArgument)
            #expect(await code { $0.minimumObservations = 0 } == .invalidArgument)
            let reports: [(metrics: [String: Double], release: Int, device: String, code: RegistryError.Code)] = [
                ([:], 1, "device-1", .invalidArgument), (["a": .nan], 1, "device-1", .invalidArgument),
                (["a": 1], 9, "device-1", .notFound), (["a": 1], 1, "nobody", .notFound),
            ]
            for report in reports {
                let error = await #expect(throws: RegistryError.self) {
                    try await model.registry.reportMetrics(
                        report.metrics, of: "mlp", release: report.release, from: report.device)
                }
                #expect(error?.code == report.code)
            }
        }
    }

    @Test("show in the catalogue from the start to the end, with the candidate for its share of the devices")
    func catalogue() async throws {
        try await withModel { _, model, _ in
            let catalogue = try await Catalogue.load(registry: model.registry, logger: Logger(label: "test"))
            let canary = try await model.registry.startCanary(of: "mlp", Self.settings(), as: alice)
            try await catalogue.refresh()
            for device in Self.devices {
                let release = try await catalogue.release(of: "mlp", .standard, for: device)
                #expect(release.number == (canary.assignment.includes(device) ? 2 : 1))
            }
            #expect(try await catalogue.release(of: "mlp", .standard).number == 1)
            let other = try await Catalogue.load(registry: model.registry, logger: Logger(label: "test"))
            let device = try #require(Self.devices.first(where: canary.assignment.includes))
            #expect(try await other.release(of: "mlp", .standard, for: device).number == 2)
            _ = try await model.registry.abortCanary(of: "mlp", channel: "stable", as: alice)
            try await catalogue.refresh()
            #expect(try await catalogue.release(of: "mlp", .standard, for: device).number == 1)
        }
    }
}
