import Logging
import PostgreSQL

/// Runs `body` with connections to a database, and closes them when it has ended.
func withPool<R>(
    _ configuration: PostgresConfiguration, logger: Logger, isolation: isolated (any Actor)? = #isolation,
    _ body: (PostgresPool) async throws -> R
) async throws -> R {
    let pool = PostgresPool(configuration: configuration, logger: logger)
    do {
        let result = try await body(pool)
        await pool.shutdown()
        return result
    } catch {
        await pool.shutdown()
        throw error
    }
}
