public import ECLMCore

/// The catalogue at one instant: what answers composition queries, whoever keeps it fresh.
///
/// `Release` is a ``CatalogueRelease``, or what carries one with its place in a store.
public struct CatalogueSnapshot<Release: Sendable>: Sendable {
    /// One model's channels.
    public struct Model: Sendable {
        /// The release that each channel points to.
        public var channels: [String: Release]
        /// The release that is on trial on each channel, and on which devices.
        public var canaries: [String: CatalogueCanary<Release>]

        public init(channels: [String: Release] = [:], canaries: [String: CatalogueCanary<Release>] = [:]) {
            self.channels = channels
            self.canaries = canaries
        }

        /// Every release that some device gets by a channel.
        public var releases: [Release] { Array(channels.values) + canaries.values.map(\.candidate) }

        /// The release that a channel points to, or for a device in the share of a canary the candidate; `nil` where there
        /// is no such channel.
        public func release(channel: String, for device: String? = nil) -> Release? {
            if let device, let canary = canaries[channel], canary.gives(to: device) { return canary.candidate }
            return channels[channel]
        }
    }

    /// The models by name.
    public var models: [String: Model]
    /// What devices of a class have, by the class's name.
    public var deviceClasses: [String: DeviceTraits]
    /// What was measured on a device class, by its name: the costs of modules of the releases that were asked about.
    public var measured: [String: [ReleaseKey: [ModuleSlot: MeasuredCosts]]]

    public init(
        models: [String: Model] = [:], deviceClasses: [String: DeviceTraits] = [:],
        measured: [String: [ReleaseKey: [ModuleSlot: MeasuredCosts]]] = [:]
    ) {
        self.models = models
        self.deviceClasses = deviceClasses
        self.measured = measured
    }
}
