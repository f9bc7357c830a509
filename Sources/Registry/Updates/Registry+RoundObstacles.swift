import ECLMCore
public import Foundation
import PostgreSQL

/// Why the updates of a model wait although a round was tried: trouble of the registry's own.
public struct RoundObstacle: Sendable, Hashable {
    /// The model's name.
    public var model: String
    /// What kind of trouble, such as `registry_unfit`.
    public var code: String
    /// What is wrong, and what to do about it.
    public var problem: String
    /// The trainer that met it last.
    public var trainer: String
    /// How often it was met in a row.
    public var attempts: Int
    /// When it was met first.
    public var since: Date
    /// When it was met last.
    public var seenAt: Date
    /// Updates that wait.
    public var waiting: Int

    init(_ row: PostgresRow) throws {
        model = try row.decode("model")
        code = try row.decode("code")
        problem = try row.decode("problem")
        trainer = try row.decode("trainer")
        attempts = Int(try row.decode("attempts", as: Int32.self))
        since = try row.decode("since")
        seenAt = try row.decode("seen_at")
        waiting = Int(try row.decode("waiting", as: Int64.self))
    }
}

extension Registry {
    /// The longest text that is kept of an obstacle, in characters.
    private static let longestProblem = 4000

    /// What keeps rounds from being made, by model; nothing where no update waits.
    ///
    /// - Parameter model: Only of this one.
    public func roundObstacles(of model: String? = nil) async throws(RegistryError) -> [RoundObstacle] {
        let isWanted: SQL = model.map { "mo.name = \($0)" } ?? "true"
        return try await registryErrors {
            try await pool.query(
                """
                SELECT mo.name AS model, o.code, o.problem, o.trainer, o.attempts, o.since, o.seen_at, w.waiting
                FROM eclm.round_obstacles o JOIN eclm.models mo USING (model_id)
                CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM eclm.updates u
                    WHERE u.model_id = o.model_id AND u.status = 'pending') w
                WHERE w.waiting > 0 AND \(isWanted) ORDER BY mo.name
                """, retry: .idempotent
            ).map(RoundObstacle.init)
        }
    }

    /// Notes what kept a round of a model from being made.
    ///
    /// - Parameters:
    ///   - code: What kind of trouble.
    ///   - problem: What is wrong, and what to do about it.
    ///   - trainer: Who met it.
    package func noteRoundObstacle(
        of model: String, _ code: String, _ problem: String, as trainer: String
    ) async throws(RegistryError) {
        _ = try await registryErrors {
            try await pool.query(
                """
                INSERT INTO eclm.round_obstacles AS o (model_id, code, problem, trainer)
                SELECT model_id, \(code), \(String(problem.prefix(Self.longestProblem))), \(trainer)
                FROM eclm.models WHERE name = \(model)
                ON CONFLICT (model_id) DO UPDATE SET code = EXCLUDED.code, problem = EXCLUDED.problem,
                    trainer = EXCLUDED.trainer, attempts = least(o.attempts, 2147483646) + 1, seen_at = clock_timestamp()
                """)
        }
    }

    /// Forgets what kept rounds of a model from being made: one was made.
    package func clearRoundObstacle(of model: String) async throws(RegistryError) {
        _ = try await registryErrors {
            try await pool.query(
                """
                DELETE FROM eclm.round_obstacles
                WHERE model_id = (SELECT model_id FROM eclm.models WHERE name = \(model))
                """)
        }
    }
}
