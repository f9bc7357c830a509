import ECLMCore
import PostgreSQL
import TestSupport
import Testing

@Suite("registryctl puts updates in and out of the queue")
struct QueueTests {
    private struct Listed: Decodable {
        struct Update: Decodable { var update: Int64, status: String, quarantineReason: String? }
        var updates: [Update]
    }

    @Test("by number, by reason and by round, and says so in whole lines")
    func requeue() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let good = try await model.submit([.init("l0.m00")], from: "phone-1", seed: 1)
            let bad = try await model.insertUnchecked([.init("l0.m00", bytes: [1, 2, 3])], from: "phone-2")
            let trained = try await Program("trainerd", ["--once", "--database", database.connectionString]).finish()
            #expect(trained.status == 0, "\(trained.errors)")
            let late = try await model.submit([.init("l1.m00")], from: "phone-3", seed: 3)

            let taken = try await database.registryctl("update", "quarantine", "\(late)", "--reason", "its disk broke")
            #expect(taken.status == 0 && taken.output == "Quarantined: \(late).\n", "\(taken)")
            #expect(
                try await database.registryctl("update", "quarantine", "\(good)", "--reason", "no").status == 4)

            let none = try await database.registryctl(
                "update", "requeue", "--model", "mlp", "--quarantined-for", "rolled back", "--reason", "r")
            #expect(none.status == 0 && none.output == "No quarantined update matches.\n", "\(none)")
            let byReason: Listed = try await database.registryctl(
                "update", "requeue", "--model", "mlp", "--quarantined-for", "ITS DISK", "--reason", "r", "--output",
                "json"
            ).json()
            #expect(byReason.updates.map(\.update) == [late.rawValue])
            #expect(byReason.updates.first?.status == "pending" && byReason.updates.first?.quarantineReason == nil)
            let byRound = try await database.registryctl(
                "update", "requeue", "--model", "mlp", "--round", "1", "--reason", "r")
            #expect(byRound.output == "Pending again: \(bad).\n", "\(byRound)")
            #expect(
                try await database.registryctl(
                    "update", "requeue", "--model", "mlp", "--round", "9", "--reason", "r"
                ).status == 3)
            for wrong in [
                ["--model", "mlp"], ["\(bad)", "--model", "mlp", "--round", "1"], ["--round", "1"], [],
            ] {
                #expect(
                    try await database.registryctl(["update", "requeue", "--reason", "r"] + wrong).status == 64,
                    "\(wrong)")
            }
            let empty = try await database.registryctl("update", "list", "--status", "quarantined")
            #expect(empty.status == 0 && empty.errors == "No update matches.\n", "\(empty)")
        }
    }

    @Test("and tells what keeps rounds from being made, in the list of rounds and in doctor")
    func obstacle() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let bytes = try model.weights(of: "l0.m00", seed: 1)
            let update = try await model.submit([.init("l0.m00", bytes: bytes)], from: "phone-1")
            try await database.withConnection { connection in
                try await connection.execute(script: "SET session_replication_role = replica")
                try await connection.query(
                    """
                    DELETE FROM eclm.blob_chunks
                    WHERE storage_id = (SELECT storage_id FROM eclm.blobs WHERE digest = \(Digest.of(bytes).bytes))
                    """)
            }
            let trained = try await Program("trainerd", ["--once", "--database", database.connectionString]).finish()
            #expect(trained.status == 7 && trained.errors.contains("update quarantine \(update)"), "\(trained.errors)")
            let rounds = try await database.registryctl("round", "list", "mlp")
            #expect(rounds.errors.contains("1 update waits, and no round could be made since"), "\(rounds.errors)")
            let doctor = try await database.registryctl("doctor")
            #expect(doctor.status == 1 && doctor.output.contains("updates of mlp wait"), "\(doctor.output)")
            #expect(try await database.registryctl("update", "quarantine", "\(update)", "--reason", "lost").status == 0)
            #expect(try await !database.registryctl("doctor").output.contains("updates of mlp wait"))
        }
    }
}
