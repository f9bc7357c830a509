import TestSupport
import Testing

@Suite("registryctl tells what releases may give away")
struct PrivacyCommandTests {
    private struct Listing: Decodable {
        struct Release: Decodable {
            var model: String, release: Int, isBounded: Bool, epsilon: Double?, delta: Double?, privateEpsilon: Double?
            var devices: Int, privateRounds: Int, unprotectedRounds: Int, noiseMultiplier: Double?, clipNorm: Double?
        }
        var items: [Release]
    }

    private func train(_ database: TestDatabase) async throws {
        let trainer = try await Program(
            "trainerd", ["--once"], environment: ["ECLM_DATABASE": database.connectionString(as: .trainer)]
        ).finish()
        try #require(trainer.status == 0, "\(trainer.errors)")
    }

    private static let rule = [
        "policy", "set", "mlp", "--rule", "private_mean", "--parameter", "noise_multiplier=1.1", "--parameter",
        "clip_norm=0.5", "--reason", "test",
    ]

    @Test("as a table and as JSON, unbounded after a round without privacy")
    func releases() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            let policy = try await database.registryctl(Self.rule + ["--parameter", "delta=1e-6"])
            try #require(policy.status == 0, "\(policy.errors)")
            for device in 0..<3 {
                try await model.submit([.init("l0.m00")], from: "phone-\(device)", seed: UInt64(device))
            }
            try await train(database)
            let table = try await database.registryctl("privacy", "mlp")
            #expect(table.status == 0, "\(table.errors)")
            let listing: Listing = try await database.registryctl("privacy", "mlp", "--output", "json").json()
            #expect(listing.items.map(\.release) == [2, 1])
            let (newest, first) = (listing.items[0], listing.items[1])
            let epsilon = try #require(newest.epsilon)
            // For noise multiplier 1.1 and delta 1e-6 the mechanism's own curve has 4.31.
            #expect(newest.isBounded && epsilon > 4.2 && epsilon < 4.9 && newest.privateEpsilon == epsilon)
            #expect(newest.devices == 3 && newest.privateRounds == 1 && newest.unprotectedRounds == 0)
            #expect(newest.delta == 1e-6 && newest.noiseMultiplier == 1.1 && newest.clipNorm == 0.5)
            #expect(first.isBounded && first.epsilon == 0 && first.delta == nil && first.devices == 0)
            let one: Listing = try await database.registryctl(
                "privacy", "mlp", "--limit", "1", "--output", "json"
            ).json()
            #expect(one.items.map(\.release) == [2])

            #expect(
                try await database.registryctl(
                    "policy", "set", "mlp", "--rule", "median", "--require-updates", "1",
                    "--require-devices", "1", "--reason", "x"
                ).status == 0)
            try await model.submit([.init("l0.m00")], from: "phone-9", seed: 9)
            try await train(database)
            let after: Listing = try await database.registryctl("privacy", "mlp", "--output", "json").json()
            let unbounded = try #require(after.items.first)
            #expect(!unbounded.isBounded && unbounded.epsilon == nil && unbounded.unprotectedRounds == 1)
            #expect(unbounded.privateEpsilon == epsilon)
            #expect(try await database.registryctl("privacy", "mlp").output.contains("unbounded"))
        }
    }

    @Test("and ends with 3 for what is not there, 4 for what is refused, 64 for what is wrong")
    func refusals() async throws {
        try await withDatabase { database in
            let model = try await ModelFixture.publish(in: database)
            #expect(try await database.registryctl("privacy", "absent").status == 3)
            #expect(try await database.registryctl("privacy").status == 64)
            #expect(try await database.registryctl(Self.rule).status == 4)
            for wrong in ["norm_z=8", "refuse_duplicates=1", "staleness=0.5", "epsilon_limit=0"] {
                let refused = try await database.registryctl(
                    Self.rule + ["--parameter", "delta=1e-6", "--parameter", wrong])
                #expect(refused.status == 4, "\(wrong)")
            }
            try #require(try await database.registryctl(Self.rule + ["--parameter", "delta=1e-6"]).status == 0)
            try await model.submit([.init("l0.m00")], from: "phone-1")
            try await train(database)
            #expect(try await database.registryctl("rounds", "replay", "mlp", "1").status == 0)
            for role in [TestRole.reader, .operator] {
                let replay = try await Program(
                    "registryctl", ["rounds", "replay", "mlp", "1"],
                    environment: ["ECLM_DATABASE": database.connectionString(as: role)]
                ).finish()
                #expect(replay.status == 4 && replay.errors.contains("eclm_trainer"), "\(replay.errors)")
            }
            let forget = try await database.registryctl(
                "rollback", "mlp", "--without-device", "phone-1", "--reason", "its key leaked")
            #expect(forget.status == 4 && forget.errors.contains("private"), "\(forget.errors)")
        }
    }
}
