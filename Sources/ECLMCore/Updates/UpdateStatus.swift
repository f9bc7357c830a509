/// What became of an update.
public enum UpdateStatus: String, Sendable, Hashable, Codable, CaseIterable {
    /// Waits for a round.
    case pending
    /// Counted in a round.
    case aggregated
    /// Refused by the trainer, with a reason.
    case quarantined
}
