import ECLMCore
import Registry
import TestSupport
import Testing

@Suite("registryctl runs canaries")
struct CanaryTests {
    private struct Canary: Decodable {
        struct Arm: Decodable { var release: Int, observations: Int64, mean: Double? }
        struct Evidence: Decodable { var logEValue: Double, needed: Double }
        var canary: Int64, model: String, channel: String, state: String, share: Double, metric: String, better: String
        var range: [Double], margin: Double, alpha: Double, beta: Double, minimumObservations: Int
        var candidate: Arm, control: Arm, blocks: Int64, promotion: Evidence, rollback: Evidence
        var reason: String, startedBy: String, decidedBy: String?, decision: String?
    }

    @Test("from the start to the decision by hand, with the evidence")
    func canary() async throws {
        struct Listing: Decodable { var items: [Canary] }
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await model.publishChange()
            let none = try await database.registryctl("canary", "status", "mlp")
            #expect(none.status == 3)
            #expect(none.errors.contains("canary start"))
            let started: Canary = try await database.registryctl(
                "canary", "start", "mlp", "--release", "2", "--share", "0.25", "--metric", "loss",
                "--lower-is-better", "--range", "0..4", "--margin", "0.1", "--alpha", "0.02", "--deadline", "3d",
                "--reason", "new head", "--output", "json"
            ).json()
            #expect(started.state == "running" && started.candidate.release == 2 && started.control.release == 1)
            #expect(started.better == "lower" && started.range == [0, 4] && started.share == 0.25)
            #expect(started.alpha == 0.02 && started.beta == 0.01 && started.reason == "new head")
            #expect(started.startedBy == "alice" && started.promotion.logEValue == 0)
            let names = (0..<64).map { "pi-\($0)" }
            try await model.registerDevices(names)
            let record = try await model.registry.canary(started.canary)
            try await model.report(to: record, from: names) { _ in 1.5 }
            _ = try await model.registry.advanceCanaries(as: "trainer")
            let status: Canary = try await database.registryctl("canary", "status", "mlp", "--output", "json").json()
            #expect(status.state == "running" && status.candidate.observations >= 1 && status.candidate.mean == 1.5)
            #expect(status.promotion.logEValue > 0 && status.blocks == status.candidate.observations)
            let table = try await database.registryctl("canary", "status", "mlp")
            #expect(table.output.contains("of 50 needed") && table.output.contains("lower is better"))
            let again = try await database.registryctl(
                "canary", "start", "mlp", "--release", "2", "--metric", "loss", "--margin", "0.1", "--reason", "again")
            #expect(again.status == 4)
            #expect(again.errors.contains("promote or abort"))
            let aborted: Canary = try await database.registryctl(
                "canary", "abort", "mlp", "--reason", "wrong one", "--output", "json", actor: "bob"
            ).json()
            #expect(aborted.state == "cancelled" && aborted.decidedBy == "bob" && aborted.decision == "wrong one")
            #expect(try await database.registryctl("canary", "abort", "mlp", "--reason", "twice").status == 4)

            let operatorRun = try await Program(
                "registryctl",
                [
                    "canary", "start", "mlp", "--release", "2", "--metric", "accuracy", "--margin", "0.05", "--reason",
                    "second", "--actor", "carol",
                ],
                environment: ["ECLM_DATABASE": database.connectionString(as: .operator)]
            ).finish()
            #expect(operatorRun.status == 0, "\(operatorRun.errors)")
            let promoted = try await Program(
                "registryctl", ["canary", "promote", "mlp", "--reason", "checked", "--actor", "carol"],
                environment: ["ECLM_DATABASE": database.connectionString(as: .operator)]
            ).finish()
            #expect(promoted.status == 0, "\(promoted.errors)")
            #expect(promoted.output.contains("points to release 2"))
            #expect(try await database.registryctl("channel", "list", "mlp").rows == [["stable", "2"]])
            let listing: Listing = try await database.registryctl("canary", "list", "--output", "json").json()
            #expect(listing.items.map(\.state) == ["promoted", "cancelled"])
            let rows = try await database.registryctl("canary", "list", "mlp", "--state", "promoted").rows
            #expect(rows.map { Array($0.prefix(7)) } == [["2", "mlp", "stable", "2", "1", "accuracy", "promoted"]])
            let first = try await database.registryctl("canary", "status", "mlp", "--canary", "1")
            #expect(first.output.contains("wrong one"))
            let log = try await database.registryctl("audit", "log", "--kind", "canary")
            #expect(log.output.contains("canary.update") && log.output.contains("bob"), "\(log.errors)")
        }
    }

    @Test("and says what is wrong: 3, 4 or 64")
    func failures() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await model.publishChange()
            func start(_ arguments: String...) async throws -> Int32 {
                try await database.registryctl(
                    ["canary", "start"] + arguments + ["--metric", "accuracy", "--reason", "test"]
                ).status
            }
            #expect(try await start("absent", "--release", "2", "--margin", "0.1") == 3)
            #expect(try await start("mlp", "--release", "9", "--margin", "0.1") == 3)
            #expect(try await start("mlp", "--release", "2", "--margin", "0.1", "--channel", "none") == 3)
            #expect(try await start("mlp", "--release", "1", "--margin", "0.1") == 4)
            #expect(try await start("mlp", "--release", "2", "--margin", "2") == 4)
            #expect(try await start("mlp", "--release", "2", "--margin", "0.1", "--share", "1") == 4)
            #expect(try await start("mlp", "--release", "2") == 64)
            #expect(try await start("mlp", "--release", "2", "--margin", "0.1", "--range", "1..0") == 64)
            #expect(try await database.registryctl("canary", "status", "mlp", "--canary", "7").status == 3)
            #expect(try await database.registryctl("canary", "promote", "mlp", "--reason", "x").status == 4)
            #expect(try await database.registryctl("canary", "promote", "mlp", "--reason", " ").status == 64)
            let trainer = try await Program(
                "registryctl",
                [
                    "canary", "start", "mlp", "--release", "2", "--metric", "accuracy", "--margin", "0.1", "--reason",
                    "x",
                ],
                environment: ["ECLM_DATABASE": database.connectionString(as: .trainer)]
            ).finish()
            #expect(trainer.status == 4)
        }
    }
}
