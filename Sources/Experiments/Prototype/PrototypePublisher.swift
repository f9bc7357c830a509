import ECLMCore
public import Learning
public import Registry

/// Publishes a network to a registry: blobs, manifest, and costs measured on device classes.
public struct PrototypePublisher: Sendable {
    private let registry: Registry
    private let provenance: Provenance

    /// A publisher in somebody's name.
    public init(registry: Registry, as provenance: Provenance) {
        self.registry = registry
        self.provenance = provenance
    }

    /// What a publication did.
    public struct Outcome: Sendable {
        /// The release and its versions.
        public var publication: PublicationResult
        /// Blobs that were new, and their bytes.
        public var blobsStored: Int
        /// See ``blobsStored``.
        public var bytesStored: Int64
        /// Module versions with new measured costs, by device class.
        public var costsRecorded: [String: Int]
    }

    /// Checks that the registry can be reached and has the classes of the profiles, before hours are spent on training.
    ///
    /// - Throws: `RegistryError`.
    public func check(profiles: [DeviceClassProfile]) async throws {
        let classes = Set(try await registry.deviceClasses().map(\.name))
        if let missing = profiles.first(where: { !classes.contains($0.deviceClass) }) {
            throw RegistryError(
                .notFound,
                "there is no device class \(missing.deviceClass.debugDescription); "
                    + "`registryctl device-class define` makes one")
        }
    }

    /// Stores the blobs that the registry lacks, and publishes. Doing it twice changes nothing.
    ///
    /// - Parameters:
    ///   - channel: The channel to point to the release; `nil` moves none.
    ///   - profiles: The classes to record measured costs for.
    ///   - onBlob: Called with the size of each blob that is there.
    /// - Throws: `RegistryError`; ``LearningError`` where costs cannot be worked out.
    public func publish(
        _ publication: NetworkPublication, channel: String?, profiles: [DeviceClassProfile] = [],
        onBlob: (Int64) -> Void = { _ in }
    ) async throws -> Outcome {
        let blobs = publication.blobs.sorted { $0.key < $1.key }
        let known = try await registry.blobs.stat(blobs.map(\.key))
        var outcome: (blobs: Int, bytes: Int64) = (0, 0)
        for (digest, bytes) in blobs {
            // Also where the blob exists: storing it again renews its grace period before it is referred to.
            try await registry.blobs.put(bytes, digest: digest)
            if known[digest] == nil { outcome = (outcome.blobs + 1, outcome.bytes + Int64(bytes.count)) }
            onBlob(Int64(bytes.count))
        }
        let result = try await registry.publish(publication.manifest, channel: channel, as: provenance)
        var recorded: [String: Int] = [:]
        for profile in profiles {
            let costs = try profile.costs(of: publication.costs, in: publication.specification)
            recorded[profile.deviceClass] = try await registry.recordCosts(
                costs.mapValues {
                    CostMeasurement(memory: $0.memory, flops: $0.flops, latencyMicroseconds: $0.latencyMicroseconds)
                }, on: profile.deviceClass, of: result.release, as: provenance)
        }
        return Outcome(
            publication: result, blobsStored: outcome.blobs, bytesStored: outcome.bytes, costsRecorded: recorded)
    }
}
