import ECLMCore
import PostgreSQL
import TestSupport
import Testing

@Suite("registryctl sets policies and gives updates back")
struct PolicyTests {
    private struct Policy: Decodable {
        var revision: Int, rule: String, parameters: [String: Double], minimumUpdates: Int, maximumUpdates: Int
        var maximumWait: Double, trainSelector: Bool, reason: String, createdBy: String
    }

    @Test("with a history, and nothing new for a change that changes nothing")
    func policies() async throws {
        struct Outcome: Decodable { var policy: Policy, isNew: Bool }
        struct History: Decodable { var items: [Policy] }
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            let none = try await database.registryctl("policy", "show", "mlp")
            #expect(none.status == 3)
            #expect(none.errors.contains("policy set"))
            #expect(try await database.registryctl("policy", "history", "mlp").status == 0)
            let krum = [
                "policy", "set", "mlp", "--rule", "multi_krum", "--parameter", "f=1", "--parameter", "m=2",
                "--minimum-updates", "6", "--maximum-wait", "10m", "--train-selector", "--reason", "poisoned",
                "--output",
                "json",
            ]
            let first: Outcome = try await database.registryctl(krum).json()
            #expect(first.isNew && first.policy.revision == 1 && first.policy.createdBy == "alice")
            #expect(first.policy.parameters == ["f": 1, "m": 2] && first.policy.maximumWait == 600)
            #expect(first.policy.trainSelector)
            let again: Outcome = try await database.registryctl(krum).json()
            #expect(!again.isNew && again.policy.revision == 1)
            let change = try await database.registryctl(
                "policy", "set", "mlp", "--rule", "median", "--parameter", "clip_norm=0.5", "--reason", "simpler",
                actor: "bob")
            #expect(change.status == 0, "\(change.errors)")
            #expect(change.output.contains("clip_norm=0.5"))
            let shown: Policy = try await database.registryctl("policy", "show", "mlp", "--output", "json").json()
            #expect(shown.revision == 2 && shown.rule == "median" && shown.minimumUpdates == 6)
            #expect(shown.parameters == ["clip_norm": 0.5] && shown.reason == "simpler" && shown.createdBy == "bob")
            let history: History = try await database.registryctl("policy", "history", "mlp", "--output", "json").json()
            #expect(history.items.map(\.revision) == [2, 1])
            let floors = try await database.registryctl(
                "policy", "set", "mlp", "--require-updates", "5", "--require-devices", "4", "--reason", "no fewer")
            #expect(floors.output.contains("required updates") && floors.output.contains("5"), "\(floors)")
            let own = try await database.registryctl(
                "policy", "set", "mlp", "--require-updates", "0", "--require-devices", "0", "--reason", "as before")
            #expect(own.output.contains("as the rule asks for"), "\(own)")
            #expect(
                try await database.registryctl(
                    "policy", "set", "mlp", "--require-devices", "257", "--reason", "too many"
                ).status == 4)
            let table = try await database.registryctl("policy", "history", "mlp", "--limit", "2", "--page-token", "3")
            #expect(
                table.rows.map { Array($0.prefix(3)) } == [
                    ["2", "median", "clip_norm=0.5"], ["1", "multi_krum", "f=1 m=2"],
                ])
        }
    }

    @Test("and says what is wrong: 3, 4 or 64")
    func failures() async throws {
        try await withDatabase { database in
            _ = try await ModelFixture.publish(in: database)
            func status(_ arguments: String...) async throws -> Int32 {
                try await database.registryctl(["policy", "set"] + arguments + ["--reason", "test"]).status
            }
            #expect(try await status("absent", "--rule", "median") == 3)
            #expect(try await status("mlp", "--rule", "absent") == 4)
            #expect(try await status("mlp", "--rule", "krum") == 4)
            #expect(try await status("mlp", "--minimum-updates", "1000") == 4)
            #expect(try await status("mlp") == 64)
            #expect(try await status("mlp", "--parameter", "f") == 64)
            #expect(try await status("mlp", "--parameter", "f=1", "--parameter", "f=2") == 64)
            let reader = try await Program(
                "registryctl", ["policy", "set", "mlp", "--rule", "median", "--reason", "x"],
                environment: ["ECLM_DATABASE": database.connectionString(as: .trainer)]
            ).finish()
            #expect(reader.status == 4)
        }
    }

    @Test("quarantined updates to the queue, audited")
    func requeue() async throws {
        struct Outcome: Decodable {
            struct Update: Decodable { var update: Int64, status: String }
            var updates: [Update]
        }
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let update = try await model.submit([.init("l0.m00")], from: "pi-1")
            let pending = try await database.registryctl("updates", "requeue", "\(update)", "--reason", "test")
            #expect(pending.status == 4)
            #expect(pending.errors.contains("pending"))
            #expect(try await database.registryctl("updates", "requeue", "99", "--reason", "test").status == 3)
            #expect(try await database.registryctl("updates", "requeue", "\(update)", "--reason", " ").status == 64)
            try await database.pool.query(
                "UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = 'test', decided_at = now()")
            let result = try await Program(
                "registryctl",
                ["updates", "requeue", "\(update)", "--reason", "reinstated", "--actor", "carol", "--output", "json"],
                environment: ["ECLM_DATABASE": database.connectionString(as: .operator)]
            ).finish()
            #expect(result.status == 0, "\(result.errors)")
            let outcome: Outcome = try result.json()
            #expect(outcome.updates.map(\.update) == [update.rawValue] && outcome.updates[0].status == "pending")
            let log = try await database.registryctl("audit", "log")
            #expect(log.output.contains("carol") && log.output.contains("update.update"))
        }
    }
}
