/// How a pooler between this process and PostgreSQL, such as PgBouncer, lends its sessions: its `pool_mode`.
public enum PostgresPoolerMode: String, Sendable, CaseIterable {
    /// Found out for each connection: where the session is not the one that was named when the connection was made,
    /// somebody stands between, and nothing is left to the session.
    case automatic = "auto"
    /// There is none, or the session is the connection's alone until it closes.
    case session
    /// Each transaction may run in another session, which others use in between. Nothing is prepared, every transaction
    /// brings the settings that it relies on, and what belongs to a session is refused.
    case transaction
}
