import ECLMCore
import Foundation
import PostgreSQL
import Registry
import TestSupport
import Testing
import Trainer

@Suite("trainerd")
struct TrainerdTests {
    @Test("runs what is pending once and prints the rounds as JSON")
    func once() async throws {
        try await withBench { bench in
            let update = try await bench.model.submit([.init("l0.m00")], from: "device")
            let process = Program(
                "trainerd", ["--once", "--output", "json", "--name", "once"], environment: environment(bench))
            let result = try await process.finish()
            #expect(result.status == 0, "\(result.errors)")
            struct Document: Decodable {
                struct Round: Decodable {
                    var model: String
                    var round: Int
                    var release: Int
                    var updates: [Int64]
                    var new_versions: Int
                }
                var rounds: [Round]
            }
            let document = try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
            #expect(document.rounds.count == 1)
            #expect(document.rounds.first?.updates == [update.rawValue])
            #expect(document.rounds.first?.release == 2)
            #expect(try await bench.model.registry.rounds(of: bench.model.name).items.first?.trainer == "once")
        }
    }

    @Test("prefers options to the environment and the environment to the file, and refuses what it does not know")
    func settings() async throws {
        try await withBench { bench in
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).json")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(#"{"eclm": {"trainerd": {"name": "from-file", "channel": "none", "maximum-updates": 1}}}"#.utf8)
                .write(to: file)
            for device in 0..<2 {
                try await bench.model.submit([.init("l0.m00")], from: "device-\(device)", seed: UInt64(device))
            }
            var environment = environment(bench)
            environment["ECLM_TRAINERD_CHANNEL"] = "also-none"
            environment["ECLM_TRAINERD_NAME"] = "from-environment"
            let result = try await Program(
                "trainerd", ["--once", "--config", file.path, "--channel", "stable"], environment: environment
            ).finish()
            #expect(result.status == 0, "\(result.errors)")
            let rounds = try await bench.model.registry.rounds(of: bench.model.name).items
            #expect(rounds.count == 2)
            #expect(Set(rounds.map(\.trainer)) == ["from-environment"])

            try Data(#"{"eclm": {"trainerd": {"minimum-update": 1}}}"#.utf8).write(to: file)
            let typo = try await Program(
                "trainerd", ["--once", "--config", file.path], environment: environment
            ).finish()
            #expect(typo.status == 4)
            #expect(typo.errors.contains("minimum-update"))

            environment["ECLM_TRAINERD_MAXIMUM_UPDATES"] = "many"
            let wrong = try await Program("trainerd", ["--once"], environment: environment).finish()
            #expect(wrong.status == 4)
            #expect(wrong.errors.contains("maximum-updates"))
        }
    }

    @Test("tells a database without a registry, and one that is not there")
    func database() async throws {
        try await withDatabase(migrated: false) { database in
            let empty = try await Program(
                "trainerd", ["--once", "--database", database.connectionString], environment: [:]
            ).finish()
            #expect(empty.status == 4)
            #expect(empty.errors.contains("registryctl migrate"))
            let absent = try await Program(
                "trainerd", ["--once", "--database", "host=/nonexistent connect_timeout=1"], environment: [:]
            ).finish()
            #expect(absent.status == 5)
        }
    }

    @Test("stops on SIGTERM after the round in hand")
    func terminates() async throws {
        try await withBench { bench in
            let update = try await bench.model.submit([.init("l0.m00")], from: "device")
            try await bench.database.stopOnce(at: Place(table: "rounds"))
            let process = Program("trainerd", ["--log-format", "json"], environment: environment(bench))
            try await bench.database.withGateClosed {
                try process.start()
                #expect(try await eventually { try await bench.database.somebodyWaits() })
                process.send(SIGTERM)
                try await Task.sleep(for: .milliseconds(300))
                #expect(process.isRunning)
            }
            let result = try await process.finish()
            #expect(result.status == 0)
            #expect(try await bench.status(update) == .aggregated)
            #expect(result.errors.contains("round committed"))
        }
    }

    @Test("killed in the middle leaves nothing, and the next one does the round")
    func killed() async throws {
        try await withBench { bench in
            let update = try await bench.model.submit([.init("l0.m00")], from: "device")
            try await bench.database.stopOnce(at: Place(table: "lineage"))
            let process = Program("trainerd", [], environment: environment(bench))
            try await bench.database.withGateClosed {
                try process.start()
                #expect(try await eventually { try await bench.database.somebodyWaits() })
                process.send(SIGKILL)
            }
            _ = try await process.finish()
            var outcome: UpdateID?
            #expect(
                try await eventually {
                    outcome = try await bench.round()?.updates.first
                    return outcome != nil
                })
            #expect(outcome == update)
            #expect(try await bench.count("SELECT count(*) FROM eclm.rounds") == 1)
            #expect(try await bench.auditIsWhole())
        }
    }

    @Test("goes on when its connections lead nowhere any more, and ends on SIGTERM when nothing leads to the database")
    func silence() async throws {
        try await withBench { bench in
            try await TestProxy.with { proxy in
                let process = Program(
                    "trainerd", ["--poll-interval", "0.5", "--silence-timeout", "0.5", "--connect-timeout", "5"],
                    environment: ["ECLM_DATABASE": proxy.connectionString(to: bench.database, as: .trainer)])
                try process.start()
                #expect(try await eventually { process.text("errors").contains("trainer started") })
                proxy.freezeConnections()
                let update = try await bench.model.submit([.init("l0.m00")], from: "device")
                #expect(
                    try await eventually(within: .seconds(60)) { try await bench.status(update) == .aggregated },
                    "\(process.text("errors"))")
                proxy.freeze()
                #expect(
                    try await eventually(within: .seconds(60)) {
                        process.text("errors").contains("the queue cannot be read")
                    })
                process.send(SIGTERM)
                #expect(try await process.finish(timeout: .seconds(60)).status == 0)
            }
        }
    }

    @Test("ends a wait for a silent database on SIGTERM, however long it would have waited")
    func silenceAtTheEnd() async throws {
        try await withBench { bench in
            try await TestProxy.with { proxy in
                let process = Program(
                    "trainerd", ["--poll-interval", "0.2", "--silence-timeout", "3600", "--connect-timeout", "3600"],
                    environment: ["ECLM_DATABASE": proxy.connectionString(to: bench.database, as: .trainer)])
                try process.start()
                #expect(try await eventually { process.text("errors").contains("trainer started") })
                proxy.freeze()
                try await Task.sleep(for: .seconds(1))
                process.send(SIGTERM)
                #expect(try await process.finish(timeout: .seconds(60)).status == 0)
            }
        }
    }

    @Test("tells what will never be otherwise from what may come back")
    func refusedForGood() async throws {
        try await withBench { bench in
            let nobody = try await Program(
                "trainerd", [], environment: ["ECLM_DATABASE": bench.database.connectionString + " user=nobody_at_all"]
            ).finish()
            #expect(nobody.status == 4, "\(nobody.errors)")
            #expect(nobody.errors.contains("nobody_at_all"))
        }
    }

    private func environment(_ bench: Bench) -> [String: String] {
        ["ECLM_DATABASE": bench.database.connectionString(as: .trainer)]
    }
}
