/// A message sent with NOTIFY or `pg_notify`.
public struct PostgresNotification: Sendable, Hashable {
    /// The channel it was sent on.
    public let channel: String
    /// Its text; empty where there was none.
    public let payload: String
    /// The process of the server that sent it.
    public let processID: Int32
}
