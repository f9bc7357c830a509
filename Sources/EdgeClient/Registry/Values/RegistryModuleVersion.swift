public import ECLMCore
internal import RegistryProtocol

/// A module version as the registry tells of it.
public struct RegistryModuleVersion: Hashable, Sendable {
    /// The module's name.
    public var module: String
    /// The module's place.
    public var slot: ModuleSlot
    /// The version's number within its module, from 1.
    public var version: Int32
    /// The digest of its weights.
    public var digest: Digest
    /// The analytic costs.
    public var costs: ModuleCosts
    /// What a device needs.
    public var requirements: Requirements
    /// What made it.
    public var origin: VersionOrigin
    /// Whether a rollback took it out of service.
    public var isWithdrawn: Bool

    init(_ version: Wire.ModuleVersion) throws {
        guard NameRule.module.allows(version.module), let slot = version.slot, let costs = version.costs else {
            throw MappingError(
                "version \(version.version) of \(version.module.debugDescription) lacks a name, a place or costs")
        }
        module = version.module
        self.slot = try slot.core()
        self.version = version.version
        digest = try Digest(bytes: version.digest)
        self.costs = costs.core
        requirements = try version.requirements?.core() ?? Requirements()
        origin = try VersionOrigin(number: version.versionOrigin, text: version.origin)
        isWithdrawn = version.withdrawn
    }
}
