public import ECLMCore
internal import RegistryProtocol

/// A device's side of the registry: it registers, pulls sub-models, and submits what they learned.
///
/// - Registering: ``register(deviceID:deviceClass:attributes:)``, ``identity()``.
/// - Sub-models: ``pull(_:to:overwrites:onProgress:)``, ``compose(_:)``, ``waitForRelease(model:channel:after:wait:)``.
/// - Updates: ``submit(_:onProgress:)``, ``update(_:)``; ``report(_:of:release:)`` for metrics alone.
/// - The local cache: ``cache``, ``verifyCache(onBytes:)``, ``pruneCache(partialAge:isDryRun:)``.
public struct EdgeClient: Sendable {
    public let registry: RegistryClient
    /// Where the device keeps its identity, blobs and sub-models.
    public let state: StateDirectory
    /// The blobs the device holds.
    public let cache: BlobCache

    /// A client over a connection. The connection's authentication data is the caller's: see
    /// ``DeviceIdentity/authenticationData()``.
    ///
    /// - Throws: ``EdgeError`` when the cache's directory cannot be created.
    public init(
        registry: RegistryClient, state: StateDirectory, limits: TransferLimits = .init()
    ) throws(EdgeError) {
        self.registry = registry
        self.state = state
        cache = try BlobCache(path: state.cachePath, limits: limits)
    }

    /// Who this device is; `nil` before it registered.
    ///
    /// - Throws: ``EdgeError`` with `invalidState` when the stored identity is damaged.
    public func identity() throws(EdgeError) -> DeviceIdentity? { try state.identity() }

    /// Registers the device and stores its token, or changes the class and attributes of one that registered before.
    ///
    /// - Parameters:
    ///   - deviceID: The device's name: 1 to 128 letters, digits, `.`, `_`, `:` and `-`.
    ///   - deviceClass: The name of its class.
    ///   - attributes: Further facts, for operators to search by.
    /// - Throws: ``EdgeError``: `refused` when the directory belongs to another device, `denied` when the name is taken,
    ///   `notFound` for an unknown class.
    public func register(
        deviceID: String, deviceClass: String, attributes: [String: String] = [:]
    ) async throws -> DeviceIdentity {
        for (rule, name) in [(NameRule.device, deviceID), (.deviceClass, deviceClass)] {
            if let refusal = rule.refusal(of: name) { throw EdgeError(.refused, refusal) }
        }
        return try await state.whileRegistering {
            let known = try state.identity()
            if let known, known.deviceID != deviceID {
                throw EdgeError(
                    .refused,
                    "\(state.path) belongs to the device \(known.deviceID); name another state directory for \(deviceID)"
                )
            }
            var request = Wire.RegisterDeviceRequest()
            request.deviceId = deviceID
            request.deviceClass = deviceClass
            // Stored before it is sent: a device that misses the answer registers again with the same token.
            var identity = try known ?? DeviceIdentity(deviceID: deviceID, deviceClass: deviceClass, token: .random())
            try state.save(identity)
            request.token = try identity.tokenBytes()
            request.attributes = Wire.Attribute.list(attributes)
            let answer: Wire.RegisterDeviceResponse
            do {
                answer = try await registry.call(DeviceServiceAPI.registerDevice, request)
            } catch let error as EdgeError where known == nil && error.isRefusal {
                try state.removeIdentity()
                throw error
            }
            identity.deviceClass = answer.device?.deviceClass ?? deviceClass
            try state.save(identity)
            return identity
        }
    }

    /// The fate of an update.
    ///
    /// - Throws: ``EdgeError``.
    public func update(_ id: UpdateID) async throws -> UpdateFate { try await registry.update(id) }

    /// Waits until a channel points to another release than `after`, or gives this device another one as a canary.
    ///
    /// - Parameters:
    ///   - after: The release that is known; 0 to learn the current one at once.
    ///   - wait: How long the server holds the answer back when nothing changes.
    /// - Returns: The release that the channel gives this device; the same as `after` when nothing changed in time.
    /// - Throws: ``EdgeError``.
    public func waitForRelease(
        model: String, channel: String, after: Int32, wait: Duration = .seconds(30)
    ) async throws -> Int32 {
        var request = Wire.WatchRequest()
        request.model = model
        request.channel = channel
        request.afterRelease = after
        request.deviceId = try identity()?.deviceID
        request.waitMs = Int32(
            clamping: wait.components.seconds * 1000 + wait.components.attoseconds / 1_000_000_000_000_000)
        return try await registry.call(ChannelServiceAPI.watch, request, wait: wait).release
    }

    /// Checks every blob of the cache and every file of the sub-models; removes damaged blobs, so that the next pull
    /// fetches them again.
    ///
    /// - Throws: ``EdgeError`` when something cannot be read.
    public func verifyCache(onBytes: (Int64) -> Void = { _ in }) async throws -> CacheVerification {
        try await cache.whileInUse {
            var result = CacheVerification()
            result.blobs = try cache.contents().entries.count
            result.damagedBlobs = try cache.damaged(onBytes: onBytes)
            for entry in result.damagedBlobs { try cache.remove(entry.digest) }
            for subModel in try state.subModels() {
                for module in subModel.manifest.modules {
                    let path = "\(subModel.path)/\(module.file)"
                    result.files += 1
                    let isThere = FileSystem.entry(path) != nil
                    if try !isThere || BlobCache.digest(ofFile: path) != module.digest {
                        result.damagedFiles.append(path)
                    }
                }
            }
            return result
        }
    }

    /// Removes the blobs that no sub-model uses, and partial files that nobody has gone on with for a while.
    ///
    /// - Throws: ``EdgeError`` when something cannot be read or removed.
    public func pruneCache(
        partialAge: Duration = .seconds(86_400), isDryRun: Bool = false
    ) async throws -> BlobCache.PruneResult {
        try await cache.prune(keeping: { try state.digestsInUse() }, partialAge: partialAge, isDryRun: isDryRun)
    }
}

/// What a check of a device's cache found.
public struct CacheVerification: Hashable, Sendable {
    /// The blobs that were checked.
    public var blobs = 0
    /// The files of sub-models that were checked.
    public var files = 0
    /// Blobs with wrong bytes; they were removed.
    public var damagedBlobs: [BlobCache.Entry] = []
    /// Files of sub-models that are missing or have other bytes than were pulled: damaged, or trained in place.
    public var damagedFiles: [String] = []

    /// Whether everything is as it was pulled.
    public var isIntact: Bool { damagedBlobs.isEmpty && damagedFiles.isEmpty }
}

extension [UInt8] {
    /// A token: 32 bytes from the system's random generator.
    fileprivate static func random() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
