import ECLMCore
import Foundation
import Registry
import TestSupport
import Testing

@Suite("trainerd behind PgBouncer", .enabled(if: PgBouncer.isAvailable, "\(PgBouncer.requirement)"))
struct PoolerTests {
    @Test("makes rounds once, in either mode", arguments: PgBouncer.Mode.allCases)
    func once(mode: PgBouncer.Mode) async throws {
        try await withBench { bench in
            let update = try await bench.model.submit([.init("l0.m00"), .init("stem0")], from: "device")
            try await PgBouncer.with(mode) { bouncer in
                let result = try await Program(
                    "trainerd", ["--once", "--database", bouncer.connectionString(to: bench.database, as: .trainer)]
                ).finish()
                #expect(result.status == 0, "\(result.errors)")
            }
            #expect(try await bench.status(update) == .aggregated)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("wakes for an update that it hears of past the pooler")
    func wakes() async throws {
        try await withBench { bench in
            try await PgBouncer.with(.transaction) { bouncer in
                let process = Program(
                    "trainerd",
                    [
                        "--database", bouncer.connectionString(to: bench.database, as: .trainer), "--listen-database",
                        bench.database.connectionString(as: .trainer), "--poll-interval", "3600",
                    ])
                try process.start()
                #expect(try await eventually { process.text("errors").contains("trainer started") })
                let update = try await bench.model.submit([.init("l0.m00")], from: "device")
                #expect(try await eventually { try await bench.status(update) == .aggregated })
                process.send(SIGTERM)
                #expect(try await process.finish().status == 0)
            }
        }
    }

    @Test("refuses to start where it would hear nothing, and says what to set")
    func refuses() async throws {
        try await withBench { bench in
            try await PgBouncer.with(.transaction) { bouncer in
                let result = try await Program(
                    "trainerd", ["--database", bouncer.connectionString(to: bench.database, as: .trainer)]
                ).finish()
                #expect(result.status == 4, "\(result.errors)")
                #expect(result.errors.contains("ECLM_LISTEN_DATABASE"), "\(result.errors)")
            }
        }
    }
}
