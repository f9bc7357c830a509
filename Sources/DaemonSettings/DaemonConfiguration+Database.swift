public import PostgreSQL

extension DaemonConfiguration {
    /// The settings that all daemons of a registry have in common.
    static let sharedNames = [
        "acquire-timeout", "blob-directory", "connect-timeout", "database", "listen-database", "pooler-mode",
        "silence-timeout",
    ]

    /// How the daemon reaches its database: the shared settings `database`, `listen-database`, `pooler-mode`,
    /// `connect-timeout`, `acquire-timeout` and `silence-timeout`.
    ///
    /// - Throws: ``ConfigurationError`` naming the setting that is wrong.
    public func database(_ flags: DatabaseFlags, applicationName: String) throws -> PostgresConfiguration {
        var configuration = PostgresConfiguration(
            connectionString: shared("database", flag: flags.database) ?? "", applicationName: applicationName)
        configuration.listenConnectionString = shared("listen-database", flag: flags.listenDatabase)
        if let name = shared("pooler-mode", flag: flags.poolerMode) {
            guard let mode = PostgresPoolerMode(rawValue: name) else {
                throw ConfigurationError(
                    "pooler-mode is \(name.debugDescription); it must be "
                        + PostgresPoolerMode.allCases.map(\.rawValue).joined(separator: ", "))
            }
            configuration.poolerMode = mode
        }
        configuration.connectTimeout = try limit("connect-timeout", flags.connectTimeout, configuration.connectTimeout)
        configuration.acquireTimeout = try limit("acquire-timeout", flags.acquireTimeout, configuration.acquireTimeout)
        configuration.silenceTimeout = try limit("silence-timeout", flags.silenceTimeout, configuration.silenceTimeout)
        return configuration
    }

    private func limit(_ name: String, _ flag: Double?, _ standard: Duration) throws -> Duration {
        let value = try seconds(name, of: [], flag: flag, default: standard / .seconds(1))
        guard value > .zero else { throw ConfigurationError("\(name) is 0; it must be longer") }
        return value
    }
}
