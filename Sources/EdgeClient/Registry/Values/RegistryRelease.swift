public import ECLMCore
internal import RegistryProtocol

/// A release as the registry tells of it.
public struct RegistryRelease: Hashable, Sendable {
    /// The number within the model, from 1.
    public var number: Int32
    /// What made it.
    public var origin: ReleaseOrigin
    /// Whether a rollback took it out of service.
    public var isWithdrawn: Bool

    init(_ release: Wire.Release) throws(MappingError) {
        number = release.number
        origin = try ReleaseOrigin(number: release.releaseOrigin, text: release.origin)
        isWithdrawn = release.withdrawn
    }
}
