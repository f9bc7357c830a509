import Aggregation
import ECLMCore
import Logging
import PostgreSQL
import Registry
import TestSupport
import Testing

@testable import Trainer

/// A published model in a fresh database, and a trainer over a login with the trainer's rights alone.
struct Bench: Sendable {
    var database: TestDatabase
    var model: ModelFixture
    var trainer: Trainer

    /// One round of the model.
    func round() async throws -> RoundOutcome? { try await trainer.runRound(model: model.name) }

    /// The next round that finds something: what a killed transaction had locked is passed over until the server has
    /// noticed.
    func nextRound() async throws -> RoundOutcome {
        var outcome: RoundOutcome?
        _ = try await eventually {
            outcome = try await round()
            return outcome != nil
        }
        return try #require(outcome)
    }

    /// A single number that a query gives.
    func count(_ sql: SQL) async throws -> Int64 {
        try await database.pool.query(sql).one().decode(0)
    }

    func status(_ update: UpdateID) async throws -> UpdateStatus {
        try await model.registry.update(update).status
    }

    func reason(_ update: UpdateID) async throws -> String? {
        try await model.registry.update(update).quarantineReason
    }

    /// Another trainer with connections of its own.
    func withOtherTrainer<R: Sendable>(
        policy: TrainerPolicy = TrainerPolicy(), name: String = "other", _ body: (Trainer) async throws -> R
    ) async throws -> R {
        try await database.withPool(as: .trainer) { pool in
            try await body(try makeTrainer(pool, policy, ImportanceWeightedMean(), name))
        }
    }

    /// The registry over other connections.
    func registry(over pool: PostgresPool) -> Registry {
        Registry(pool: pool, blobs: BlobStore(pool: pool), logger: Logger(label: "test"))
    }

    /// The audit chain has no break, inside the database and recomputed outside.
    func auditIsWhole() async throws -> Bool {
        let breaks = try await database.pool.query("SELECT * FROM eclm.audit_breaks()")
        let verification = try await model.registry.verifyAudit()
        return breaks.isEmpty && verification.breaks.isEmpty && verification.rows > 0
    }
}

func makeTrainer(
    _ pool: PostgresPool, _ policy: TrainerPolicy, _ rule: any AggregationRule, trainsSelector: Bool = false,
    _ name: String
) throws -> Trainer {
    let registry = Registry(pool: pool, blobs: BlobStore(pool: pool), logger: Logger(label: "trainer"))
    return try Trainer(
        registry: registry, policy: policy, rule: rule, trainsSelector: trainsSelector, name: name, logger: quietLogger)
}

private let quietLogger: Logger = {
    var logger = Logger(label: "trainer")
    logger.logLevel = .critical
    return logger
}()

func withBench<R: Sendable>(
    policy: TrainerPolicy = TrainerPolicy(), rule: any AggregationRule = ImportanceWeightedMean(),
    trainsSelector: Bool = false, dtype: ElementType = .f32, width: Int = 8, _ body: (Bench) async throws -> R
) async throws -> R {
    try await withDatabase { database in
        let model = try await ModelFixture.publish(in: database, dtype: dtype, width: width)
        return try await database.withPool(as: .trainer) { pool in
            try await body(
                Bench(
                    database: database, model: model,
                    trainer: try makeTrainer(pool, policy, rule, trainsSelector: trainsSelector, "trainer-1")))
        }
    }
}

/// Waits until a condition holds.
///
/// - Returns: Whether it came to hold in time.
func eventually(within limit: Duration = .seconds(20), _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return false
}
