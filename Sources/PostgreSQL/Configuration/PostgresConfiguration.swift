/// Where to connect, and the limits of a connection and of a pool.
///
/// The connection string goes to libpq untouched, so everything libpq documents works: a `postgresql://` URI or
/// `key=value` pairs, several hosts, `target_session_attrs`, TLS settings, service files, password files and the `PG*`
/// environment variables (<https://www.postgresql.org/docs/current/libpq-connect.html>).
public struct PostgresConfiguration: Sendable {
    /// A URI or `key=value` pairs; empty means the `PG*` environment variables, service files and libpq's defaults.
    public var connectionString: String
    /// Where to listen for notifications, where ``connectionString`` leads through a pooler that lends its sessions for single
    /// transactions; `nil` for the same. It must lead to the same database.
    public var listenConnectionString: String?
    /// How a pooler in between lends its sessions.
    public var poolerMode = PostgresPoolerMode.automatic
    /// Where names without a schema are looked up, whatever the database or the login has set.
    public var searchPath = ["pg_catalog", "pg_temp"]
    /// What `pg_stat_activity` shows, unless the connection string or `PGAPPNAME` name something else.
    public var applicationName: String
    /// The server cancels a statement that runs longer; `nil` for no limit, whatever the database or the login has set.
    public var statementTimeout: Duration?
    /// How long the server may say nothing to a statement before another connection asks whether it still works on it. If it
    /// does not, the connection is lost. A statement that works may take as long as it likes.
    public var silenceTimeout: Duration = .seconds(15)
    /// How long one host may take to answer; with several hosts each gets this long.
    public var connectTimeout: Duration = .seconds(10)
    /// Prepared statements kept per connection, the least recently used dropped first; 0 prepares nothing. Where a pooler
    /// lends its sessions for single transactions nothing is prepared either.
    public var statementCacheSize: Int = 256
    /// How long the server may take to confirm a cancelled statement before the connection counts as lost.
    public var cancellationTimeout: Duration = .seconds(10)
    /// Connections a pool opens at most.
    public var maximumConnections: Int = 8
    /// Callers that may wait for a pooled connection; one more fails at once with `.poolExhausted`.
    public var maximumWaiters: Int = 1024
    /// How long a caller waits for a pooled connection before `.acquireTimedOut`.
    public var acquireTimeout: Duration = .seconds(10)

    /// A configuration with default limits.
    /// - Parameters:
    ///   - connectionString: see ``connectionString``.
    ///   - applicationName: see ``applicationName``.
    public init(connectionString: String = "", applicationName: String = "eclm") {
        self.connectionString = connectionString
        self.applicationName = applicationName
    }

    /// Parameters of libpq that come on top of the string.
    var overrides: [(String, String)] = []

    /// What a connection that listens is made with.
    var forListening: PostgresConfiguration {
        var copy = self
        if let listenConnectionString { copy.connectionString = listenConnectionString }
        copy.statementCacheSize = 0
        return copy
    }

    /// Checks the limits and lets libpq check the connection string, without connecting.
    /// - Throws: ``PostgresError`` with code `.usage`; its message never holds a password.
    public func validate() throws {
        try checkConnectionString(connectionString)
        if let listenConnectionString { try checkConnectionString(listenConnectionString) }
        func require(_ condition: Bool, _ rule: String) throws {
            if !condition { throw PostgresError(code: .usage, message: "PostgresConfiguration: \(rule)") }
        }
        try require(maximumConnections >= 1, "maximumConnections must be at least 1")
        try require(maximumWaiters >= 0, "maximumWaiters must not be negative")
        try require(statementCacheSize >= 0, "statementCacheSize must not be negative")
        try require(connectTimeout > .zero, "connectTimeout must be positive")
        try require(silenceTimeout > .zero, "silenceTimeout must be positive")
        try require(acquireTimeout > .zero, "acquireTimeout must be positive")
        try require(cancellationTimeout > .zero, "cancellationTimeout must be positive")
        if let statementTimeout {
            try require(
                statementTimeout >= .milliseconds(1) && statementTimeout.milliseconds <= Int64(Int32.max),
                "statementTimeout must lie between 1 ms and 2147483647 ms")
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? (seconds < 0 ? .min : .max) : scaled + attoseconds / 1_000_000_000_000_000
    }
}
