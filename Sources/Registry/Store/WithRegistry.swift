public import Logging
public import PostgreSQL

/// Opens the registry of a database whose schema is current, and closes its connections when `body` has ended.
///
///     try await Migrator.embedded.migrate(database)
///     try await withRegistry(database, logger: logger) { registry in
///         let models = try await registry.models()
///     }
///
/// - Parameters:
///   - database: How to reach it.
///   - blobDirectory: Where new blobs go, instead of into the database.
///   - migrator: What the schema must be.
///   - logger: For the registry.
///   - databaseLogger: For its connections; `logger` without one.
/// - Throws: ``RegistryError`` when the database cannot be reached or its schema is not current; what `body` throws.
public func withRegistry<R>(
    _ database: PostgresConfiguration, blobDirectory: String? = nil, migrator: Migrator = .embedded, logger: Logger,
    databaseLogger: Logger? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (Registry) async throws -> R
) async throws -> R {
    try await PostgresPool.withPool(database, logger: databaseLogger ?? logger) { pool in
        try await registryErrors { () async throws in
            try await pool.withConnection { try await migrator.requireCurrentSchema(on: $0) }
        }
        return try await body(
            Registry(pool: pool, blobs: BlobStore(pool: pool, directory: blobDirectory), logger: logger))
    }
}
