/// What made a release.
public enum ReleaseOrigin: String, Sendable, Hashable, Codable, CaseIterable {
    /// A publication; on a region also a mirror of the parent's release.
    case publish
    /// A round of the trainer.
    case round
    /// A rollback.
    case rollback
}
