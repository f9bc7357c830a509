public import Aggregation
package import ECLMCore
public import Logging
public import PostgreSQL

/// The registry: every model, module version, release, channel, device, update and round, in PostgreSQL.
///
/// ## Reading
/// ``models(nameContaining:page:)``, ``model(_:)``, ``modules(of:release:filter:page:)``, ``versions(of:module:page:)``,
/// ``lineage(of:module:version:direction:limit:)``, ``releases(of:page:)``, ``channelHistory(of:channel:page:)``
///
/// ## Writing
/// ``publish(_:channel:as:)``, ``rollback(_:channel:to:reinstate:as:)``, ``moveChannel(of:channel:to:as:)``,
/// ``register(_:as:)``, ``submit(_:)``, ``requeue(_:as:)``, ``setPolicy(of:_:as:)``, ``startCanary(of:_:as:)``,
/// ``reportMetrics(_:of:release:from:)``, ``advanceCanaries(of:as:)``
///
/// Every method throws ``RegistryError`` alone.
public struct Registry: Sendable {
    /// The connections that every method uses.
    public let pool: PostgresPool
    /// Where the bytes of module versions and updates lie.
    public let blobs: BlobStore
    /// The methods that training policies may name.
    public let vocabulary: PolicyVocabulary
    /// What notifies of submissions and publications once they are committed; `nil` leaves that to the database's triggers,
    /// within the transaction.
    public var notifier: ChangeNotifier?
    let logger: Logger

    /// A registry over a migrated database.
    ///
    /// - Parameter vocabulary: The methods that policies may name; with methods of your own, those that the database was
    ///   migrated with.
    public init(pool: PostgresPool, blobs: BlobStore, vocabulary: PolicyVocabulary = .standard, logger: Logger) {
        self.pool = pool
        self.blobs = blobs
        self.vocabulary = vocabulary
        self.logger = logger
    }

    @discardableResult
    func transaction<R: Sendable>(
        as provenance: Provenance, _ body: @escaping @Sendable (PostgresConnection) async throws -> R
    ) async throws(RegistryError) -> R {
        try await pool.registryTransaction { connection in
            try await provenance.apply(to: connection)
            return try await body(connection)
        }
    }

    /// A transaction whose changes are told of afterwards where there is a ``notifier``.
    func transaction<R: Sendable>(
        as provenance: Provenance, telling changes: (R) -> [ChangeNotifier.Change],
        _ body: @escaping @Sendable (PostgresConnection) async throws -> R
    ) async throws(RegistryError) -> R {
        let notifiesAfterwards = notifier != nil
        let result = try await pool.registryTransaction { connection in
            try await provenance.apply(to: connection, notifiesAfterwards: notifiesAfterwards)
            return try await body(connection)
        }
        notifier?.tell(changes(result))
        return result
    }

    /// The identity of a model by name.
    ///
    /// - Throws: `notFound`.
    func modelID(_ name: String) async throws -> ModelID {
        let rows = try await pool.query("SELECT model_id FROM eclm.models WHERE name = \(name)")
        guard let row = rows.first else { throw Self.noSuchModel(name) }
        return ModelID(try row.decode("model_id"))
    }

    /// Locks a model's row: one at a time may number versions, rounds and releases of it. Submissions, which only refer
    /// to the row, go on meanwhile.
    package static func lockModel(_ name: String, on connection: PostgresConnection) async throws -> ModelID {
        let rows = try await connection.query("SELECT model_id FROM eclm.models WHERE name = \(name) FOR NO KEY UPDATE")
        guard let row = rows.first else { throw noSuchModel(name) }
        return ModelID(try row.decode("model_id"))
    }

    package static func noSuchModel(_ name: String) -> RegistryError {
        RegistryError(
            .notFound, "there is no model \(name.debugDescription); `registryctl model list` shows those there are")
    }

    /// A pattern for LIKE that finds `text` anywhere, itself taken literally.
    static func contains(_ text: String) -> String {
        var pattern = "%"
        for character in text {
            if character == "%" || character == "_" || character == "\\" { pattern.append("\\") }
            pattern.append(character)
        }
        return pattern + "%"
    }
}
