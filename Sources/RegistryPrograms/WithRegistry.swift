import Logging
public import PostgreSQL
public import Registry

/// Opens the registry for a daemon, and closes its connections when `body` has ended.
///
/// - Parameters:
///   - database: How to reach it.
///   - blobDirectory: Where new blobs go, instead of into the database.
///   - migrator: What the schema must be.
///   - name: The daemon's name, for its loggers.
/// - Throws: ``RegistryError`` when the database cannot be reached or its schema is not current; what `body` throws.
public func withRegistry(
    _ database: PostgresConfiguration, blobDirectory: String?, migrator: Migrator, name: String,
    isolation: isolated (any Actor)? = #isolation, _ body: (Registry) async throws -> Void
) async throws {
    try await withPool(database, logger: Logger(label: "\(name).database")) { pool in
        try await registryErrors { () async throws in
            try await pool.withConnection { try await migrator.requireCurrentSchema(on: $0) }
        }
        let blobs = BlobStore(pool: pool, directory: blobDirectory)
        try await body(Registry(pool: pool, blobs: blobs, logger: Logger(label: "\(name).registry")))
    }
}
