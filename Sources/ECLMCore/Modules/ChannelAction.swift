/// Why a channel moved.
public enum ChannelAction: String, Sendable, Hashable, Codable, CaseIterable {
    /// It was made.
    case create
    /// A publication.
    case publish
    /// A round of the trainer.
    case round
    /// A rollback.
    case rollback
    /// An operator, a canary that was promoted, or the parent of a region.
    case move
}
