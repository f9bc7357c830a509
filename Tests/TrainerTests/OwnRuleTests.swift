import Aggregation
import ECLMCore
import Logging
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

/// A rule that is not the package's: the value of each coordinate at a rank from below. This declaration, and its name in
/// a vocabulary, are all it takes.
private struct RankFromBelow: AggregationRule {
    static let definition = MethodDefinition(
        "rank_from_below", "the value at a rank of each coordinate", [rankParameter])
    private static let rankParameter = Parameter("rank", 1...8, standard: 1, whole: true, "1 is the smallest")

    let rank: Int

    init(_ values: ParameterValues) { rank = values.whole(Self.rankParameter) }

    var minimumContributions: Int { rank }
    var method: AggregationMethod {
        .coordinatewise { [rank] values in
            var values = values
            values.sort()
            return values[min(rank, values.count) - 1]
        }
    }
}

@Suite("A rule of one's own")
struct OwnRuleTests {
    private var vocabulary: PolicyVocabulary {
        var vocabulary = PolicyVocabulary.standard
        vocabulary.rules.append(RankFromBelow.self)
        return vocabulary
    }

    private func withOwnRule(_ body: (Bench, Registry) async throws -> Void) async throws {
        try await withBench { bench in
            try await bench.database.withConnection { connection in
                try await vocabulary.write(on: connection)
            }
            let registry = Registry(
                pool: bench.model.registry.pool, blobs: bench.model.registry.blobs, vocabulary: vocabulary,
                logger: Logger(label: "test"))
            try await body(bench, registry)
        }
    }

    private let operatorSays = Provenance(actor: "operator", reason: "test")

    @Test("is set by a policy, followed by a round and computed again")
    func round() async throws {
        try await withOwnRule { bench, registry in
            let policy = try await registry.setPolicy(
                of: "mlp", PolicyChange(rule: "rank_from_below", parameters: ["rank": 2], minimumUpdates: 3),
                as: operatorSays)
            #expect(policy.policy.rule == "rank_from_below")
            let brought = try (1...3).map { try bench.model.weights(of: "l0.m00", seed: UInt64($0)) }
            for (device, bytes) in brought.enumerated() {
                try await bench.model.submit([.init("l0.m00", bytes: bytes)], from: "device-\(device)")
            }
            try await bench.database.withPool(as: .trainer) { pool in
                let trainer = try Trainer(
                    registry: Registry(
                        pool: pool, blobs: BlobStore(pool: pool), vocabulary: vocabulary,
                        logger: Logger(label: "test")),
                    name: "own", logger: Logger(label: "test"))
                let outcome = try #require(try await trainer.runRound(model: "mlp"))
                #expect(outcome.newVersions == 1 && outcome.quarantined.isEmpty)
            }
            let version = try #require(try await bench.model.versions()["l0.m00"])
            let made = try await bench.model.tensors(version.digest)
            let given = try brought.map { try ModelFixture.tensors(in: $0) }
            for (name, values) in made {
                for (position, value) in values.enumerated() {
                    #expect(value == given.compactMap { $0[name]?[position] }.sorted()[1])
                }
            }
            let recorded: String = try await bench.database.pool.query("SELECT rule FROM eclm.rounds").one().decode(
                "rule")
            #expect(recorded == "rank_from_below")
            #expect(try await RoundReplayer(registry: registry).replay(round: 1, of: "mlp").isEqual)
        }
    }

    @Test("is unknown to a program that does not have it, whose rounds wait")
    func unknown() async throws {
        try await withOwnRule { bench, registry in
            _ = try await registry.setPolicy(
                of: "mlp", PolicyChange(rule: "rank_from_below"), as: operatorSays)
            let update = try await bench.model.submit([.init("l0.m00")], from: "device-1")
            let error = await #expect(throws: TrainerError.self) { try await bench.round() }
            #expect(error?.code == .registryUnfit)
            #expect(try await bench.status(update) == .pending)
        }
    }

    /// What the database says of a policy; `nil` where it takes it.
    private func state(_ bench: Bench, _ rule: String, _ parameters: String) async throws -> String? {
        do {
            try await bench.database.pool.query(
                """
                INSERT INTO eclm.policies (model_id, rule, parameters, minimum_updates, maximum_updates, maximum_wait,
                    train_selector)
                SELECT model_id, \(rule), \(JSONText(parameters)), 1, 8, 1, false FROM eclm.models
                """)
            return nil
        } catch let error as PostgresError {
            return error.sqlState
        }
    }

    @Test("is checked by the database as well")
    func database() async throws {
        try await withOwnRule { bench, _ in
            let refused = "23514"
            let cases: [(rule: String, parameters: String, state: String?)] = [
                ("rank_from_below", #"{"rank": 9}"#, refused), ("rank_from_below", #"{"rank": 1.5}"#, refused),
                ("rank_from_below", #"{"order": 1}"#, refused), ("krum", "{}", refused),
                ("nobody_knows", "{}", refused), ("rank_from_below", #"{"rank": 3, "clip_norm": 0.5}"#, nil),
            ]
            for example in cases {
                let found = try await state(bench, example.rule, example.parameters)
                #expect(found == example.state, "\(example)")
            }
        }
    }
}

@Suite("What policies may name")
struct VocabularyTests {
    @Test("is in the database as the program has it, with its ranges")
    func stored() async throws {
        try await withDatabase { database in
            let vocabulary = PolicyVocabulary.standard
            let rules = try await database.pool.query(
                "SELECT name, maximum_updates, is_private FROM eclm.policy_methods WHERE kind = 'rule' ORDER BY name")
            #expect(
                try rules.map { try $0.decode("name", as: String.self) }
                    == vocabulary.rules.map { $0.definition.name }.sorted())
            for row in rules {
                let rule = try vocabulary.rule(named: row.decode("name"))
                #expect(try row.decode("maximum_updates", as: Int32.self) == Int32(rule.maximumUpdates))
                #expect(try row.decode("is_private", as: Bool.self) == rule.isPrivate)
                let parameters = try await database.pool.query(
                    """
                    SELECT name, minimum, maximum, standard, is_whole, is_required, summary FROM eclm.policy_parameters
                    WHERE kind = 'rule' AND method = \(rule.definition.name)
                    """
                ).map { row in
                    Parameter(
                        try row.decode("name"), try row.decode("minimum")...row.decode("maximum"),
                        standard: try row.decode("standard", as: Double?.self), whole: try row.decode("is_whole"),
                        required: try row.decode("is_required"), try row.decode("summary"))
                }
                #expect(Set(parameters) == Set(rule.definition.parameters + RuleSpecification.checks(of: rule)))
            }
            let optimizers = try await database.pool.query(
                "SELECT name FROM eclm.policy_methods WHERE kind = 'optimizer' ORDER BY name")
            #expect(
                try optimizers.map { try $0.decode("name", as: String.self) }
                    == vocabulary.optimizerDefinitions.map(\.name).sorted())
            let encodings = try await database.pool.query(
                "SELECT name, is_difference FROM eclm.update_encodings ORDER BY name")
            #expect(
                try encodings.map { try $0.decode("name", as: String.self) }
                    == UpdateEncoding.allCases.map(\.rawValue).sorted())
            for row in encodings {
                let encoding = try #require(UpdateEncoding(rawValue: row.decode("name")))
                #expect(try row.decode("is_difference", as: Bool.self) == encoding.isDifference)
            }
        }
    }
}
