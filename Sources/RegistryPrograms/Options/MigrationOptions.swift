public import ArgumentParser
public import Registry

/// Which migrations a program goes by.
public struct MigrationOptions: ParsableArguments {
    /// The folder of other migrations.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A folder with migrations, to go by instead of those built into this program.", valueName: "directory"))
    public var migrations: String?

    /// The options at their defaults.
    public init() {}

    /// The migrations of the named folder, or those that are built in.
    ///
    /// - Throws: ``RegistryError`` naming the file of the folder that is wrong.
    public func migrator() throws(RegistryError) -> Migrator {
        guard let migrations else { return .embedded }
        return try Migrator(directory: migrations)
    }
}
