import ECLMCore
import Logging
import PostgreSQL
import Registry
import ServiceLifecycle
import TestSupport
import Testing

@testable import Trainer

@Suite("The service")
struct ServiceTests {
    /// Runs the bench's trainer as a service around `body`, then shuts it down gracefully.
    private func withService(_ bench: Bench, _ body: (ServiceGroup) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: bench.trainer, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        let task = Task { try await group.run() }
        do {
            try await body(group)
        } catch {
            task.cancel()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await task.value
    }

    private var sleepy: TrainerPolicy {
        var policy = TrainerPolicy()
        policy.pollInterval = .seconds(3600)
        return policy
    }

    @Test("takes what is pending when it starts, and wakes by notification for what comes later")
    func wakes() async throws {
        try await withBench(policy: sleepy) { bench in
            let first = try await bench.model.submit([.init("l0.m00")], from: "device-1", seed: 1)
            try await withService(bench) { _ in
                #expect(try await eventually { try await bench.status(first) == .aggregated })
                for seed in UInt64(2)...4 {
                    let update = try await bench.model.submit([.init("l0.m00")], from: "device-1", seed: seed)
                    #expect(try await eventually { try await bench.status(update) == .aggregated })
                }
            }
        }
    }

    @Test("finds by polling what no notification told of")
    func polls() async throws {
        var policy = TrainerPolicy()
        policy.pollInterval = .milliseconds(100)
        try await withBench(policy: policy) { bench in
            try await withService(bench) { _ in
                try await bench.database.withConnection {
                    try await $0.execute(script: "ALTER TABLE eclm.updates DISABLE TRIGGER updates_notify")
                }
                let update = try await bench.model.submit([.init("l0.m00")], from: "device")
                #expect(try await eventually { try await bench.status(update) == .aggregated })
            }
        }
    }

    @Test("finishes the round in hand when it is shut down, and begins no other")
    func drains() async throws {
        var policy = sleepy
        policy.maximumUpdates = 1
        try await withBench(policy: policy) { bench in
            let first = try await bench.model.submit([.init("l0.m00")], from: "device-1", seed: 1)
            let second = try await bench.model.submit([.init("l0.m00")], from: "device-2", seed: 2)
            try await bench.database.stopOnce(at: Place(table: "rounds"))
            try await withService(bench) { group in
                try await bench.database.withGateClosed {
                    #expect(try await eventually { try await bench.database.somebodyWaits() })
                    await group.triggerGracefulShutdown()
                    try await Task.sleep(for: .milliseconds(100))
                    #expect(try await bench.status(first) == .pending)
                }
            }
            #expect(try await bench.status(first) == .aggregated)
            #expect(try await bench.status(second) == .pending)
        }
    }

    @Test("goes on after its connections were killed")
    func survives() async throws {
        try await withBench(policy: sleepy) { bench in
            try await withService(bench) { _ in
                let first = try await bench.model.submit([.init("l0.m00")], from: "device", seed: 1)
                #expect(try await eventually { try await bench.status(first) == .aggregated })
                try await bench.database.pool.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND usename = 'eclm_test_trainer'
                    """)
                let second = try await bench.model.submit([.init("l0.m00")], from: "device", seed: 2)
                #expect(try await eventually { try await bench.status(second) == .aggregated })
            }
        }
    }

    @Test("goes on after a round's connection was killed, without being told")
    func survivesARound() async throws {
        try await withBench(policy: sleepy) { bench in
            try await bench.database.killOnce(at: Place(table: "lineage"))
            try await withService(bench) { _ in
                let update = try await bench.model.submit([.init("l0.m00")], from: "device")
                #expect(try await eventually { try await bench.status(update) == .aggregated })
            }
            #expect(try await bench.count("SELECT count(*) FROM eclm.rounds") == 1)
        }
    }

    @Test("starts a small round when the oldest update has waited long enough")
    func maximumWait() async throws {
        var policy = sleepy
        policy.minimumUpdates = 10
        policy.maximumWait = .milliseconds(600)
        try await withBench(policy: policy) { bench in
            try await withService(bench) { _ in
                let update = try await bench.model.submit([.init("l0.m00")], from: "device")
                try await Task.sleep(for: .milliseconds(200))
                #expect(try await bench.status(update) == .pending)
                #expect(try await eventually { try await bench.status(update) == .aggregated })
            }
        }
    }
}
