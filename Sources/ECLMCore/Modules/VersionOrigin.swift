/// What made a module version.
public enum VersionOrigin: String, Sendable, Hashable, Codable, CaseIterable {
    /// A publication; on a region also a mirror of the parent's version.
    case publish
    /// A round of the trainer.
    case round
    /// A rollback that computed past rounds again, without a device's updates.
    case rollback
}
