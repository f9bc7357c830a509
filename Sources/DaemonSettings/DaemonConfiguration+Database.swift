public import PostgreSQL

extension DaemonConfiguration {
    /// The settings that all daemons of a registry have in common.
    static let sharedNames = ["blob-directory", "database", "listen-database", "pooler-mode"]

    /// How the daemon reaches its database: the shared settings `database`, `listen-database` and `pooler-mode`.
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
        return configuration
    }
}
