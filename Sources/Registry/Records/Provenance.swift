import ECLMCore
package import PostgreSQL

/// On whose behalf and why a change is made: recorded with every version, release, channel move and audit row.
public struct Provenance: Sendable, Hashable {
    /// The person or service that acts.
    public var actor: String
    /// Why; may be empty but for rollbacks.
    public var reason: String

    public init(actor: String, reason: String = "") {
        self.actor = actor
        self.reason = reason
    }

    /// Makes the database's defaults and triggers see this provenance until the transaction ends.
    ///
    /// - Parameter notifiesAfterwards: Whether whoever commits notifies by itself, instead of the database's triggers.
    package func apply(to connection: PostgresConnection, notifiesAfterwards: Bool = false) async throws {
        try ManifestCheck.name(actor, .actor)
        guard reason.utf8.count <= 4096 else {
            throw RegistryError(.invalidArgument, "the reason is longer than 4096 bytes")
        }
        try await connection.query(
            """
            SELECT set_config('eclm.actor', \(actor), true), set_config('eclm.reason', \(reason), true),
                set_config('eclm.notify', \(notifiesAfterwards ? "afterwards" : ""), true)
            """)
    }
}
