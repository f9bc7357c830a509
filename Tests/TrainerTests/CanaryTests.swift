import ECLMCore
import Logging
import PostgreSQL
import Registry
import ServiceLifecycle
import TestSupport
import Testing

@testable import Trainer

@Suite("Canaries under a trainer")
struct CanaryTests {
    private let alice = Provenance(actor: "alice", reason: "trial")
    private static let devices = (0..<200).map { "device-\($0)" }

    private func start(_ bench: Bench, share: Double = 0.4) async throws -> CanaryRecord {
        try await bench.model.publishChange()
        try await bench.model.registerDevices(Self.devices)
        return try await bench.model.registry.startCanary(
            of: "mlp",
            CanarySettings(
                candidate: 2, share: share, metric: "accuracy", margin: 0.2, alpha: 0.01, beta: 0.01,
                minimumObservations: 10), as: alice)
    }

    @Test("are decided by the service as soon as the reports suffice, and hold the rounds until then")
    func service() async throws {
        var policy = TrainerPolicy()
        policy.pollInterval = .seconds(3600)
        try await withBench(policy: policy) { bench in
            let canary = try await start(bench)
            let waiting = try await bench.model.submit([.init("l0.m01")], from: "learner", release: 1)
            #expect(try await bench.round() == nil)
            #expect(try await bench.trainer.drain().isEmpty)
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: bench.trainer, successTerminationBehavior: .gracefullyShutdownGroup)],
                    logger: logger))
            let task = Task { try await group.run() }
            #expect(try await bench.status(waiting) == .pending)
            try await bench.model.report(to: canary, from: Self.devices) { _ in 0.9 }
            let isDecided = try await eventually {
                try await bench.model.registry.canary(canary.canaryID).state == .promoted
            }
            #expect(isDecided)
            // The decision wakes the trainer, which goes on from the candidate.
            #expect(try await eventually { try await bench.status(waiting) == .aggregated })
            #expect(try await bench.model.registry.release(of: "mlp", .standard).number == 3)
            #expect(try await bench.model.versions()["l0.m00"]?.version == 2)
            #expect(try await bench.auditIsWhole())
            await group.triggerGracefulShutdown()
            try await task.value
        }
    }

    @Test("begun during a round make it wait")
    func duringRound() async throws {
        try await withBench { bench in
            let update = try await bench.model.submit([.init("l0.m01")], from: "learner")
            try await bench.database.stopOnce(at: Place(table: "blob_chunks"))
            var round: Task<RoundOutcome?, any Error>?
            try await bench.database.withGateClosed {
                round = Task { try await bench.round() }
                #expect(try await eventually { try await bench.database.somebodyWaits() })
                _ = try await start(bench)
            }
            let outcome = try await #require(round).value
            #expect(outcome == nil)
            #expect(try await bench.status(update) == .pending)
            #expect(try await bench.model.registry.release(of: "mlp", .standard).number == 1)
        }
    }

    @Test("on one channel leave the rounds of another alone, and take their releases")
    func otherChannel() async throws {
        var policy = TrainerPolicy()
        policy.channel = "next"
        try await withBench(policy: policy) { bench in
            _ = try await bench.model.registry.moveChannel(of: "mlp", channel: "next", to: 1, as: alice)
            let canary = try await start(bench)
            try await bench.model.submit([.init("l0.m01")], from: "learner")
            #expect(try await bench.round()?.release == 3)
            #expect(try await bench.model.registry.canary(canary.canaryID).state == .running)
        }
    }

    @Test("killed in a decision are decided again, once")
    func crash() async throws {
        try await withBench { bench in
            let canary = try await start(bench)
            try await bench.model.report(to: canary, from: Self.devices) { $0 ? 0.2 : 0.9 }
            // The transaction of the decision breaks at its last step.
            try await bench.database.withConnection {
                try await $0.execute(
                    script: """
                        CREATE FUNCTION eclm.break() RETURNS trigger LANGUAGE plpgsql AS
                            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
                        CREATE CONSTRAINT TRIGGER zz_break AFTER UPDATE ON eclm.canaries
                            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state <> NEW.state)
                            EXECUTE FUNCTION eclm.break();
                        """)
            }
            await #expect(throws: TrainerError.self) { try await bench.trainer.decideCanaries() }
            #expect(try await bench.model.registry.canary(canary.canaryID).state == .running)
            #expect(try await bench.count("SELECT count(*) FROM eclm.canary_observations WHERE block IS NOT NULL") == 0)
            try await bench.database.withConnection {
                try await $0.execute(script: "DROP TRIGGER zz_break ON eclm.canaries; DROP FUNCTION eclm.break()")
            }
            #expect(try await bench.trainer.decideCanaries().map(\.state) == [.rolledBack])
            #expect(try await bench.trainer.decideCanaries().isEmpty)
            #expect(try await bench.count("SELECT count(*) FROM eclm.withdrawals WHERE canary_id IS NOT NULL") == 1)
            #expect(try await bench.auditIsWhole())
        }
    }
}
