public import ECLMCore

/// What one round did.
public struct RoundOutcome: Sendable, Hashable, Codable {
    /// An update that was refused, and why.
    public struct Quarantined: Sendable, Hashable, Codable {
        public var updateID: UpdateID
        /// Why, as written to `eclm.updates.quarantine_reason`.
        public var reason: String

        public init(updateID: UpdateID, reason: String) {
            self.updateID = updateID
            self.reason = reason
        }
    }

    /// The model's name.
    public var model: String
    /// The round's number within the model; `nil` when every update was quarantined, which makes no round.
    public var round: Int?
    /// The release it made; `nil` when no module's weights changed.
    public var release: Int?
    /// The updates it counted, in the order in which they were summed.
    public var updates: [UpdateID] = []
    /// The updates it refused.
    public var quarantined: [Quarantined] = []
    /// Module versions written.
    public var newVersions = 0
    /// Trained modules whose aggregate equals the version they had, which they keep.
    public var keptVersions = 0
    /// Modules that keep their version because fewer updates trained them than the rule needs.
    public var heldBack: [String] = []
    /// Partial aggregates made for the parent instead of versions, where the trainer is a region's.
    public var partials = 0
    /// Bytes of the new versions' blobs, or of the partial aggregates.
    public var bytes: Int64 = 0

    /// An outcome for a model that did nothing yet.
    public init(model: String) { self.model = model }
}
