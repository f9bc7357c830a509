public import ECLMCore

/// What a device submits after training: one trained blob for each module it trained.
public struct UpdateSubmission: Sendable, Hashable {
    /// One trained module.
    public struct Module: Sendable, Hashable {
        /// The module's name.
        public var module: String
        /// The version it was trained from: the base release's.
        public var baseVersion: Int
        /// The trained weights.
        public var digest: Digest
        /// How the weights are written.
        public var encoding: UpdateEncoding
        /// The module's importance for the device's data, at least 0.
        public var importance: Double
        /// Samples it was trained on.
        public var sampleCount: Int64
        /// The document that names the inputs of a region's partial aggregate; `nil` for a device's own update.
        public var lineage: Digest?
        /// The weights that it was trained from, as the device had them; a difference must name them.
        public var base: Digest?
        /// The trained weights themselves, where they are sent as a difference: what makes the same work in another
        /// encoding the same content.
        public var trained: Digest?

        public init(
            module: String, baseVersion: Int, digest: Digest, encoding: UpdateEncoding = .full, importance: Double,
            sampleCount: Int64, lineage: Digest? = nil, base: Digest? = nil, trained: Digest? = nil
        ) {
            self.module = module
            self.baseVersion = baseVersion
            self.digest = digest
            self.encoding = encoding
            self.importance = importance
            self.sampleCount = sampleCount
            self.lineage = lineage
            self.base = base
            self.trained = trained
        }

        /// What names the content: the trained weights, however they are written, where the device says which they are.
        fileprivate var content: (digest: Digest, encoding: UpdateEncoding) {
            guard encoding.isDifference, let trained else { return (digest, encoding) }
            return (trained, .full)
        }
    }

    public var deviceID: String
    /// The model's name.
    public var model: String
    /// The number of the release it trained.
    public var baseRelease: Int
    /// The device's key: the same key with the same content is the same update.
    public var idempotencyKey: String
    /// Samples it trained on, at least 1.
    public var sampleCount: Int64
    /// What it measured, by name: finite numbers.
    public var metrics: [String: Double]
    /// The modules it trained, at least one.
    public var modules: [Module]

    public init(
        deviceID: String, model: String, baseRelease: Int, idempotencyKey: String, sampleCount: Int64,
        metrics: [String: Double] = [:], modules: [Module]
    ) {
        self.deviceID = deviceID
        self.model = model
        self.baseRelease = baseRelease
        self.idempotencyKey = idempotencyKey
        self.sampleCount = sampleCount
        self.metrics = metrics
        self.modules = modules
    }

    /// Names the content: equal submissions have equal digests, whatever the order of their modules, and where devices name
    /// the trained weights, whatever the encoding.
    public var contentDigest: Digest {
        var builder = DigestBuilder()
        func field(_ text: String) { builder.update(field: text) }
        field(model)
        field(String(baseRelease))
        field(String(sampleCount))
        for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
            field(name)
            field(String(value.bitPattern))
        }
        for module in modules.sorted(by: { $0.module < $1.module }) {
            field(module.module)
            field(String(module.baseVersion))
            field(module.content.digest.hex)
            field(module.content.encoding.rawValue)
            field(String(module.importance.bitPattern))
            field(String(module.sampleCount))
            if let lineage = module.lineage { field("lineage \(lineage.hex)") }
        }
        return builder.finalize()
    }

    /// Refuses what is wrong whatever the registry holds.
    func check() throws(RegistryError) {
        func invalid(_ message: String) -> RegistryError { RegistryError(.invalidArgument, message) }
        guard (1...128).contains(idempotencyKey.unicodeScalars.count) else {
            throw invalid("the idempotency key must have 1 to 128 characters")
        }
        guard sampleCount > 0 else { throw invalid("the sample count must be at least 1, not \(sampleCount)") }
        guard (1...ManifestCheck.maximumModules).contains(modules.count) else {
            throw invalid("an update brings 1 to \(ManifestCheck.maximumModules) modules, not \(modules.count)")
        }
        guard metrics.count <= 64 else { throw invalid("an update has at most 64 metrics, not \(metrics.count)") }
        try Self.check(metrics: metrics)
        guard modules.allSatisfy({ ($0.lineage == nil) == (modules.first?.lineage == nil) }) else {
            throw invalid("an update is a region's partial aggregates or a device's work, not both")
        }
        var seen: Set<String> = []
        for module in modules {
            guard seen.insert(module.module).inserted else { throw invalid("module \(module.module) is given twice") }
            guard module.importance.isFinite, module.importance >= 0 else {
                throw invalid(
                    "the importance of \(module.module) is \(module.importance); it must be a finite number of at least 0"
                )
            }
            guard module.sampleCount > 0 else {
                throw invalid("the sample count of \(module.module) must be at least 1, not \(module.sampleCount)")
            }
            guard module.lineage == nil || module.encoding == .delta else {
                throw invalid(
                    "the partial aggregate of \(module.module) is written as \(module.encoding.rawValue), not as delta")
            }
        }
    }

    /// Refuses metrics whose name or value cannot be kept.
    static func check(metrics: [String: Double]) throws(RegistryError) {
        for (name, value) in metrics {
            guard (1...64).contains(name.utf8.count), value.isFinite else {
                throw RegistryError(
                    .invalidArgument,
                    "metric \(name.debugDescription) = \(value): metrics have a name of 1 to 64 bytes and a finite value"
                )
            }
        }
    }
}

/// What the registry made of a submission.
public struct SubmissionResult: Sendable, Hashable {
    /// The update's identity.
    public var updateID: UpdateID
    /// Whether the same submission had arrived before.
    public var replayed: Bool
    /// Whether it had arrived in other bytes: the same trained weights in another encoding. What arrived first counts.
    public var encodedOtherwise = false
    /// Where it stands.
    public var status: UpdateStatus
    /// Bytes of weights that came with it and were not stored before.
    public var storedBytes: Int64 = 0
}
