internal import RegistryProtocol

/// A module of a release.
public struct RegistryModule: Hashable, Sendable {
    public var version: RegistryModuleVersion
    /// The release's default importance of the module.
    public var importance: Double

    init(_ module: Wire.ReleasedModule) throws {
        guard let version = module.version else { throw MappingError("a module without a version") }
        self.version = try RegistryModuleVersion(version)
        importance = module.importance
    }
}
