import ECLMCore
import EdgeClient
import Fleets
import Foundation
import Logging
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Experiments

/// The data are the real ones: `make data` fetches them.
@Suite("eclm fleet")
struct FleetCommandTests {
    private static let settings = """
        {"dense": {"epochs": 2, "rate": 0.003},
         "end_to_end": {"training": {"epochs": 1, "rate": 0.003}},
         "ability_enhancing": {"training": {"epochs": 2, "rate": 0.003}}}
        """

    @Test("plays rounds and a drift against real services, within budgets, and every update counts once")
    func fleet() async throws {
        try await withDatabase { database in
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-\(UUID())").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try Data(Self.settings.utf8).write(to: URL(fileURLWithPath: "\(folder)/settings.json"))
            let data = Self.dataDirectory
            let prototype = try await Program(
                "eclm",
                [
                    "prototype", "--task", "har", "--proxy-limit", "600", "--data-directory", data,
                    "--settings", "\(folder)/settings.json", "--publish", "--channel", "stable", "--quiet",
                ], environment: ["ECLM_DATABASE": database.connectionString]
            ).finish()
            #expect(prototype.status == 0, "\(prototype.errors)")

            let registry = Registry(
                pool: database.pool, blobs: BlobStore(pool: database.pool), logger: Logger(label: "test"))
            _ = try await registry.defineDeviceClass(
                "phone",
                traits: DeviceTraits(
                    memory: 1 << 30, flops: 1 << 30, dtypes: [.f32],
                    operators: ["group_norm", "linear", "multiply", "relu", "softmax"], runtime: RuntimeVersion(1)),
                as: Provenance(actor: "alice", reason: "a test"))
            let file = "\(folder)/endpoint"
            let server = Program(
                "registryd",
                ["--database", database.connectionString, "--listen", "127.0.0.1:0", "--endpoint-file", file])
            let trainer = Program(
                "trainerd",
                [
                    "--database", database.connectionString, "--minimum-updates", "3", "--maximum-wait", "600",
                    "--poll-interval", "1",
                ])
            try server.start()
            try trainer.start()
            defer {
                server.send(SIGTERM)
                trainer.send(SIGTERM)
            }
            let end = ContinuousClock.now + .seconds(30)
            while !FileManager.default.fileExists(atPath: file), ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(20))
            }
            let endpoint = try String(contentsOfFile: file, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)

            let result = try await Program(
                "eclm",
                [
                    "fleet", "--endpoint", endpoint, "--model", "har-mlp", "--class", "phone", "--devices", "3",
                    "--rounds", "1", "--rounds-after-drift", "1", "--epochs", "1", "--data-directory", data,
                    "--state", "\(folder)/state", "--output-directory", folder, "--output", "json", "--quiet",
                ]
            ).finish()
            #expect(result.status == 0, "\(result.errors)")
            let written = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/fleet.json"))
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let report = try decoder.decode(LiveFleetReport.self, from: written)
            #expect(report.devices.count == 3 && report.participations == 6)
            #expect(report.rounds.map(\.release) == [2, 3])
            #expect(report.rounds.map(\.afterDrift) == [false, true])
            // Unlike budgets give unlike sub-models, and better than a guess among six activities.
            #expect(Set(report.devices.map(\.modules)).count > 1)
            #expect(report.devices.allSatisfy { $0.before > 0.4 && ($0.readapted ?? 0) > 0.4 })
            #expect(report.traffic.sent < report.federatedAveraging.sent)
            let plot = try String(contentsOfFile: "\(folder)/fleet.svg", encoding: .utf8)
            #expect(plot.contains("</svg>"))

            let updates = try await registry.updates(of: "har-mlp").items
            #expect(updates.count == 6)
            let fates = try await database.pool.withConnection { connection in
                try await connection.query(
                    "SELECT count(*) AS n FROM eclm.update_fate WHERE status = 'aggregated' AND round IN (1, 2)")
            }
            #expect(try fates.first?.decode("n", as: Int64.self) == 6)
        }
    }

    @Test("says within some seconds that nobody listens")
    func nobodyListens() async throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let start = ContinuousClock.now
        let result = try await Program(
            "eclm",
            [
                "fleet", "--endpoint", "127.0.0.1:1", "--model", "har-mlp", "--class", "phone", "--devices", "1",
                "--data-directory", Self.dataDirectory, "--state", folder.path, "--output", "json", "--quiet",
            ]
        ).finish()
        #expect(result.status == 5 && result.errors.contains("registryd"), "\(result.errors)")
        #expect(ContinuousClock.now - start < .seconds(15))
    }

    private static var dataDirectory: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../data")
            .standardizedFileURL.path
    }
}
