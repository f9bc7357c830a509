import ECLMCore
import Foundation
import Registry
import TestSupport
import Testing

@Suite("registryctl leaves a device out")
struct ForgetCommandTests {
    private struct Outcome: Decodable {
        struct LeftOut: Decodable, Equatable { var round: Int, update: Int64 }
        struct Recomputed: Decodable {
            var round: Int, module: String, replacedVersion: Int?, version: Int?, updates: Int
        }
        struct Change: Decodable, Equatable { var module: String, fromVersion: Int, toVersion: Int? }
        var device: String, dryRun: Bool, affected: Bool, fromRelease: Int, release: Int?
        var leftOut: [LeftOut], recomputed: [Recomputed], changes: [Change], withdrawnVersions: Int,
            quarantined: [Int64]
    }

    private func round(_ number: Int, _ model: ModelFixture, in database: TestDatabase) async throws {
        for (position, device) in ["phone-1", "phone-2", "stolen"].enumerated() where number == 2 || position != 1 {
            try await model.submit(
                [.init("l0.m00"), .init("stem0")], from: device, seed: UInt64(10 * number + position))
        }
        let trainer = try await Program("trainerd", ["--once", "--database", database.connectionString]).finish()
        try #require(trainer.status == 0, "\(trainer.errors)")
    }

    @Test("after saying what that means, with a history that tells, and back again")
    func forget() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            for number in 1...2 { try await round(number, model, in: database) }
            let waiting = try await model.submit([.init("l0.m01")], from: "stolen", seed: 99)

            let planned: Outcome = try await database.registryctl(
                "rollback", "mlp", "--without-device", "stolen", "--dry-run", "--output", "json"
            ).json()
            #expect(planned.dryRun && planned.affected && planned.release == nil)
            #expect(planned.leftOut.map(\.round) == [1, 2] && planned.recomputed.count == 4)
            #expect(planned.quarantined == [waiting.rawValue])
            #expect(try await database.registryctl("releases", "mlp").rows.count == 3)
            let table = try await database.registryctl("rollback", "mlp", "--without-device", "stolen", "--dry-run")
            #expect(table.status == 0 && table.output.contains("nothing was changed"), "\(table.errors)")

            let result = try await database.registryctl(
                ["rollback", "mlp", "--without-device", "stolen", "--reason", "its key leaked", "--output", "json"],
                actor: "bob")
            #expect(result.status == 0, "\(result.errors)")
            let outcome: Outcome = try result.json()
            #expect(outcome.fromRelease == 3 && outcome.release == 4 && outcome.withdrawnVersions == 4)
            #expect(outcome.leftOut == planned.leftOut && outcome.quarantined == [waiting.rawValue])
            #expect(
                outcome.changes.sorted { $0.module < $1.module } == [
                    .init(module: "l0.m00", fromVersion: 3, toVersion: 5),
                    .init(module: "stem0", fromVersion: 3, toVersion: 5),
                ])
            #expect(outcome.recomputed.map(\.replacedVersion) == [2, 2, 3, 3])

            let history = try await database.registryctl("channel", "history", "mlp", "stable")
            #expect(history.rows.first.map { Array($0.prefix(4)) } == ["4", "3", "4", "rollback"])
            #expect(history.rows.first?.last == "its key leaked")
            let audit = try await database.registryctl("audit", "log", "--all")
            #expect(audit.output.contains("recomputation.insert") && audit.output.contains("bob"))
            #expect(try await database.registryctl("audit", "verify").status == 0)
            let lineage = try await database.registryctl("lineage", "mlp", "l0.m00")
            #expect(lineage.output.contains("phone-2") && !lineage.output.contains("stolen"), "\(lineage.output)")
            let replay = try await database.registryctl("rounds", "replay", "mlp", "--all")
            #expect(replay.status == 0, "\(replay.errors)")
            let one = try await database.registryctl("rounds", "replay", "mlp", "2")
            #expect(one.status == 0 && one.output.contains("stolen"))

            // Nothing is left to leave out, and what was done can be taken back.
            let again = try await database.registryctl(
                "rollback", "mlp", "--without-device", "stolen", "--reason", "once more")
            #expect(again.status == 0 && again.output.contains("Nothing found"), "\(again.output)\(again.errors)")
            let back = try await database.registryctl(
                "rollback", "mlp", "--to-release", "3", "--reinstate", "--reason", "it was not stolen")
            #expect(back.status == 0, "\(back.errors)")
            #expect(try await model.versions()["l0.m00"]?.version == 3)
        }
    }

    @Test("and says what is wrong: 3, 4 or 64")
    func failures() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await round(1, model, in: database)
            func status(_ arguments: String...) async throws -> Int32 {
                try await database.registryctl(["rollback"] + arguments).status
            }
            #expect(try await status("mlp", "--without-device", "absent", "--reason", "x") == 3)
            #expect(try await status("absent", "--without-device", "stolen", "--reason", "x") == 3)
            #expect(try await status("mlp", "--without-device", "stolen", "--channel", "absent", "--reason", "x") == 3)
            #expect(try await status("mlp", "--without-device", "stolen") == 64)
            #expect(try await status("mlp", "--without-device", "stolen", "--reason", " ") == 64)
            #expect(try await status("mlp", "--without-device", "stolen", "--to-release", "1", "--reason", "x") == 64)
            #expect(try await status("mlp", "--to-release", "1", "--since", "1", "--reason", "x") == 64)
            #expect(try await status("mlp", "--without-device", "stolen", "--since", "soon", "--dry-run") == 64)
            #expect(try await status("mlp", "--without-device", "stolen", "--since", "0", "--dry-run") == 64)
            for since in ["2", "2030-01-01", "2030-01-01T12:00:00Z"] {
                let late = try await database.registryctl(
                    "rollback", "mlp", "--without-device", "stolen", "--since", since, "--dry-run")
                #expect(late.status == 0 && late.output.contains("Nothing found"), "\(late.errors)")
            }
            let publisher = try await Program(
                "registryctl", ["rollback", "mlp", "--without-device", "stolen", "--reason", "x"],
                environment: ["ECLM_DATABASE": database.connectionString(as: .operator)]
            ).finish()
            #expect(publisher.status == 4, "\(publisher.errors)")
        }
    }
}
