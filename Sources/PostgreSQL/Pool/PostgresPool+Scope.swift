public import Logging

extension PostgresPool {
    /// Runs `body` with connections to a database, and closes them when it has ended.
    ///
    /// - Throws: What `body` throws.
    public static func withPool<R>(
        _ configuration: PostgresConfiguration, logger: Logger = Logger(label: "eclm.postgresql"),
        isolation: isolated (any Actor)? = #isolation, _ body: (PostgresPool) async throws -> R
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
}
