public import ECLMCore

/// What a rollback without a device did, or would do.
public struct ForgetOutcome: Sendable, Hashable {
    /// An update that was left out of a round.
    public struct LeftOut: Sendable, Hashable {
        /// The round's number.
        public var round: Int
        public var updateID: UpdateID
    }

    /// What a round makes of a module now.
    public struct Recomputed: Sendable, Hashable {
        /// The round's number.
        public var round: Int
        /// The module's name.
        public var module: String
        /// The version that the round had made; `nil` where the module had kept its version.
        public var replacedVersion: Int?
        /// The new version; `nil` where the module keeps the version it comes with, and before anything was computed.
        public var version: Int?
        /// The updates that are left.
        public var updates: Int
    }

    /// A module's version changed in the channel.
    public struct Change: Sendable, Hashable {
        /// The module's name.
        public var module: String
        /// The version the channel had.
        public var fromVersion: Int
        /// The version it has now; `nil` before anything was computed.
        public var toVersion: Int?
    }

    /// The model's name.
    public var model: String
    /// The channel that was taken back.
    public var channel: String
    /// What was left out.
    public var removal: DeviceRemoval
    /// The release the channel had.
    public var fromRelease: Int
    /// The release that was made; `nil` where nothing was, for want of contributions or because nothing shall change.
    public var release: Int?
    /// The updates left out of rounds, by round.
    public var leftOut: [LeftOut] = []
    /// The versions computed, in order: each round's after those of the rounds before it.
    public var recomputed: [Recomputed] = []
    /// The modules whose version in the channel changes.
    public var changes: [Change] = []
    /// Versions taken out of service.
    public var withdrawnVersions = 0
    /// Pending updates of the device, which were quarantined or would be.
    public var quarantined: [UpdateID] = []
    /// Other channels that carry versions which the device went into: they stay as they are.
    public var otherChannels: [String] = []

    /// Whether the channel's release has nothing of the device.
    public var isUnaffected: Bool { changes.isEmpty }
}
