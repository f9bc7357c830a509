public import ArgumentParser

/// The flags that tell a daemon the way to its database; each has a setting of the same name in the environment and the
/// file, which all daemons of a registry have in common.
public struct DatabaseFlags: ParsableArguments {
    /// Where the database is.
    @Option(help: "Connection string or URI of the database; libpq's PG* variables fill what it leaves out.")
    public var database: String?

    /// Where to listen.
    @Option(
        help: ArgumentHelp(
            "Connection string or URI by which to listen for notifications, past a pooler that lends its sessions. Default: the database's.",
            valueName: "conninfo"))
    public var listenDatabase: String?

    /// How a pooler lends its sessions.
    @Option(
        help: ArgumentHelp(
            "How a pooler before the database lends its sessions: session, transaction, or auto to find out. Default auto.",
            valueName: "mode"))
    public var poolerMode: String?

    /// How long a new connection may take.
    @Option(help: "Seconds that one host of the database may take to answer a new connection. Default 10.")
    public var connectTimeout: Double?

    /// How long to wait for a connection.
    @Option(help: "Seconds to wait for a free connection to the database. Default 10.")
    public var acquireTimeout: Double?

    /// How long the server may be silent.
    @Option(
        help: ArgumentHelp(
            "Seconds without a word from the database after which another connection asks whether it still works. Default 15.",
            valueName: "silence-timeout"))
    public var silenceTimeout: Double?

    /// No flag.
    public init() {}
}
