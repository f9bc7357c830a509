import PostgreSQL
import TestSupport
import Testing

@Suite("registryctl computes rounds again")
struct ReplayCommandTests {
    private struct Document: Decodable {
        struct Module: Decodable {
            var module: String, version: Int?, recorded: String, recomputed: String?, equal: Bool
        }
        var round: Int
        var equal: Bool
        var modules: [Module]
    }

    @Test("and ends with 0 for equal bytes, 7 for others, 3 for a round that is not there")
    func replay() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            try await model.submit([.init("l0.m00", importance: 3), .init("stem0")], from: "phone-1", seed: 1)
            try await model.submit([.init("l0.m00", importance: 1)], from: "phone-2", seed: 2)
            let trainer = try await Program(
                "trainerd", ["--once", "--database", database.connectionString]
            ).finish()
            try #require(trainer.status == 0, "\(trainer.errors)")

            let table = try await database.registryctl("rounds", "replay", "mlp", "1")
            #expect(table.status == 0, "\(table.errors)")
            #expect(table.output.contains("l0.m00") && table.output.contains("yes"))
            let equal: Document = try await database.registryctl(
                "rounds", "replay", "mlp", "1", "--output", "json"
            ).json()
            #expect(equal.equal && equal.modules.count == 2)
            #expect(equal.modules.allSatisfy { $0.version == 2 && $0.recorded == $0.recomputed && $0.equal })
            #expect(try await database.registryctl("rounds", "replay", "mlp", "2").status == 3)
            #expect(try await database.registryctl("rounds", "replay", "mlp", "0").status == 64)

            try await database.withConnection { connection in
                try await connection.execute(
                    script: """
                        ALTER TABLE eclm.update_modules DISABLE TRIGGER USER;
                        UPDATE eclm.update_modules SET importance = importance + 1;
                        """)
            }
            let changed = try await database.registryctl("rounds", "replay", "mlp", "1", "--output", "json")
            #expect(changed.status == 7)
            let document: Document = try changed.json()
            #expect(!document.equal && document.modules.filter { !$0.equal }.map(\.module) == ["l0.m00"])
            #expect(try await database.registryctl("rounds", "list", "mlp").rows.map { $0[0] } == ["1"])
        }
    }
}
