/// The settings that this process relies on, whatever the server, the database or the login has set.
///
/// A session of its own gets them once, when the connection is made. Where a pooler lends its sessions, each transaction
/// brings them, since the next may run in another session, and what was left behind would be found by somebody else.
struct SessionSettings: Sendable {
    /// The settings of every transaction.
    private let all: [(name: String, value: String)]
    /// Those of a session that is one socket's.
    private let ofSocket: [(name: String, value: String)]

    init(_ configuration: PostgresConfiguration, serverVersion: Int) {
        var all = [
            ("search_path", configuration.searchPath.map(quotedIdentifier).joined(separator: ", ")),
            ("client_encoding", "UTF8"),
            ("standard_conforming_strings", "on"), ("transform_null_equals", "off"), ("array_nulls", "on"),
            // How values look as text, in documents that the server makes of rows.
            ("DateStyle", "ISO, MDY"), ("TimeZone", "UTC"), ("IntervalStyle", "postgres"),
            ("bytea_output", "hex"), ("extra_float_digits", "1"), ("lc_numeric", "C"), ("lc_time", "C"),
            // Statements outside a transaction; a transaction names its own.
            ("default_transaction_isolation", "read committed"), ("default_transaction_read_only", "off"),
            ("default_transaction_deferrable", "off"),
            ("statement_timeout", "\(configuration.statementTimeout?.milliseconds ?? 0)"),
            ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
            ("exit_on_error", "off"), ("row_security", "on"), ("check_function_bodies", "on"),
        ]
        if serverVersion >= 140_000 { all.append(("idle_session_timeout", "0")) }
        if serverVersion >= 170_000 { all.append(("transaction_timeout", "0")) }
        self.all = all
        // The server, too, must notice that this process has vanished: it may hold locks.
        ofSocket = [
            ("tcp_keepalives_idle", "30"), ("tcp_keepalives_interval", "10"), ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
        ]
    }

    /// A statement that gives the settings to the rest of the transaction.
    var forTransaction: String { "SELECT " + Self.calls(all, isLocal: "true") }

    /// The first thing that a connection says: gives the settings to the session where it is this connection's alone,
    /// and to nobody where a pooler lends it.
    ///
    /// - Parameters:
    ///   - isLocal: an SQL expression that is true where the session is lent.
    ///   - isPooled: one that is true where a pooler stands in between.
    func opening(isLocal: String, isPooled: String) -> String {
        """
        BEGIN ISOLATION LEVEL READ COMMITTED; SELECT \(isPooled) AS pooled, \(isLocal) AS lent, \
        current_setting('session_replication_role') AS replication, \(Self.calls(all, isLocal: isLocal)), \
        CASE WHEN NOT \(isPooled) THEN concat(\(Self.calls(ofSocket, isLocal: "false"))) END; COMMIT
        """
    }

    private static func calls(_ settings: [(name: String, value: String)], isLocal: String) -> String {
        settings.map { "set_config('\($0.name)', \(quotedLiteral($0.value)), \(isLocal))" }.joined(separator: ", ")
    }
}
