import TestSupport
import Testing

@Suite("registryctl asks for rounds")
struct RunRoundTests {
    private struct Request: Decodable {
        var request: Int64, model: String, reason: String, requestedBy: String, answer: String?, round: Int?,
            heldByCanaries: [Int64]
    }

    @Test("and ends with 0 for a round, 4 where there is none, 5 without a trainer, 3 for an unknown model")
    func run() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            #expect(try await database.registryctl("rounds", "run", "absent").status == 3)
            let empty = try await database.registryctl("rounds", "run", "mlp")
            #expect(empty.status == 4 && empty.errors.contains("no update of mlp waits"), "\(empty.errors)")
            #expect(try await database.registryctl("rounds", "run", "mlp", "--wait", "soon").status == 64)

            let policy = try await database.registryctl(
                "policy", "set", "mlp", "--minimum-updates", "50", "--maximum-wait", "10d", "--optimizer", "fedadam",
                "--optimizer-parameter", "learning_rate=0.5", "--quorum", "20", "--reason", "wait")
            #expect(policy.status == 0 && policy.output.contains("fedadam learning_rate=0.5"), "\(policy.errors)")
            try await model.submit([.init("l0.m00")], from: "phone-1", seed: 1)
            let unanswered = try await database.registryctl("rounds", "run", "mlp", "--wait", "1s", "--output", "json")
            #expect(unanswered.status == 5)
            let open: Request = try unanswered.json()
            #expect(open.answer == nil && open.requestedBy == "alice")

            let trainer = Program("trainerd", ["--database", database.connectionString])
            try trainer.start()
            // The request is still there for the trainer, and takes the one update.
            var rounds: [[String]] = []
            for _ in 0..<100 where rounds.isEmpty {
                try await Task.sleep(for: .milliseconds(100))
                rounds = try await database.registryctl("rounds", "list", "mlp").rows
            }
            #expect(rounds.map { $0[0] } == ["1"])
            try await model.submit([.init("l0.m00")], from: "phone-2", seed: 2)
            let result = try await database.registryctl(
                "rounds", "run", "mlp", "--reason", "demo", "--wait", "30s", "--output", "json")
            #expect(result.status == 0, "\(result.errors)")
            let document: Request = try result.json()
            trainer.send(15)
            #expect(try await trainer.finish().status == 0)
            #expect(document.round == 2 && document.reason == "demo" && document.answer == "round 2 of 1 update")
            #expect(try await database.registryctl("rounds", "replay", "mlp", "2").status == 0)
            let table = try await database.registryctl("policy", "history", "mlp")
            #expect(table.output.contains("fedadam learning_rate=0.5"))
        }
    }

    @Test("and says at once where a canary holds the rounds, until it ends")
    func held() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let trainer = Program("trainerd", ["--database", database.connectionString, "--poll-interval", "1"])
            try await model.submit([.init("l0.m00")], from: "phone-1", seed: 1)
            try #require(
                try await Program("trainerd", ["--once", "--database", database.connectionString]).finish().status == 0)
            try #require(
                try await database.registryctl(
                    "channel", "move", "mlp", "stable", "--to-release", "1", "--reason", "trial"
                ).status == 0)
            let started = try await database.registryctl(
                "canary", "start", "mlp", "--release", "2", "--metric", "accuracy", "--margin", "0.1", "--reason",
                "trial")
            try #require(started.status == 0, "\(started.errors)")
            try await model.submit([.init("l0.m00")], from: "phone-2", seed: 2)
            try trainer.start()
            let held = try await database.registryctl("rounds", "run", "mlp", "--wait", "1s", "--output", "json")
            #expect(held.status == 5 && held.errors.contains("canary promote mlp"), "\(held.errors)")
            let open: Request = try held.json()
            #expect(open.answer == nil && open.heldByCanaries == [1])
            let plain = try await database.registryctl("rounds", "run", "mlp")
            #expect(
                plain.status == 0 && plain.errors.contains("release 2 is on trial on channel stable"), "\(plain.errors)"
            )
            #expect(try await database.registryctl("canary", "abort", "mlp", "--reason", "done").status == 0)
            var rounds = 0
            for _ in 0..<100 where rounds < 2 {
                try await Task.sleep(for: .milliseconds(100))
                rounds = try await database.registryctl("rounds", "list", "mlp").rows.count
            }
            #expect(rounds == 2)
            trainer.send(15)
            #expect(try await trainer.finish().status == 0)
        }
    }
}
