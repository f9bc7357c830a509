public import ECLMCore
import NIOCore
internal import RegistryProtocol

/// An update about to be handed in; its blobs are at the registry.
public struct UpdateDraft: Hashable, Sendable {
    /// One trained module.
    public struct Module: Hashable, Sendable {
        /// The module's name.
        public var module: String
        /// The version it was trained from: the base release's.
        public var baseVersion: Int32
        /// The trained weights.
        public var digest: Digest
        /// How the weights are written.
        public var encoding: UpdateEncoding
        /// The module's importance for the data it was trained on, at least 0.
        public var importance: Double
        /// Samples it was trained on; 0 for the update's.
        public var sampleCount: Int64
        /// The document that names the inputs of a region's partial aggregate; `nil` for a device's own update.
        public var lineage: Digest?
        /// The weights that it was trained from. Registries take a difference only with them.
        public var base: Digest?
        /// The trained weights themselves, where a difference is sent: the same ones in another encoding are the same update.
        public var trained: Digest?

        public init(
            module: String, baseVersion: Int32, digest: Digest, encoding: UpdateEncoding, importance: Double,
            sampleCount: Int64 = 0, lineage: Digest? = nil, base: Digest? = nil, trained: Digest? = nil
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
    }

    public var deviceID: String
    /// The model's name.
    public var model: String
    /// The number of the release that was trained.
    public var baseRelease: Int32
    /// The same key with the same content is the same update.
    public var idempotencyKey: String
    /// Samples trained on, at least 1.
    public var sampleCount: Int64
    /// What was measured, by name: finite numbers.
    public var metrics: [String: Double]
    public var modules: [Module]

    public init(
        deviceID: String, model: String, baseRelease: Int32, idempotencyKey: String = "", sampleCount: Int64,
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

    /// The update on the wire.
    var message: Wire.SubmitRequest {
        var request = Wire.SubmitRequest()
        request.deviceId = deviceID
        request.model = model
        request.baseRelease = baseRelease
        request.idempotencyKey = idempotencyKey
        request.sampleCount = sampleCount
        request.metrics = Wire.Metric.list(metrics)
        request.modules = modules.map { module in
            var message = Wire.TrainedModule()
            message.module = module.module
            message.baseVersion = module.baseVersion
            message.digest = module.digest.bytes
            (message.encoding, message.updateEncoding) = (module.encoding.rawValue, module.encoding.number)
            message.importance = module.importance
            message.sampleCount = module.sampleCount
            message.lineage = module.lineage?.bytes ?? []
            message.baseDigest = module.base?.bytes
            message.trainedDigest = module.encoding.isDifference ? module.trained?.bytes : nil
            return message
        }
        return request
    }

    /// A key that the same content of the same device always gets, whatever the encoding: a digest of everything but the
    /// key itself, of the update as it would be with full weights.
    ///
    /// Taken of what this program's first version sent, so that a device that learned to send more submits again under the
    /// key it used before.
    ///
    /// - Throws: ``EdgeError`` where a text in it cannot be sent.
    var contentKey: String {
        get throws(EdgeError) {
            var draft = self
            draft.idempotencyKey = ""
            for (index, module) in modules.enumerated() {
                if let trained = module.trained {
                    (draft.modules[index].digest, draft.modules[index].encoding) = (trained, .full)
                }
                (draft.modules[index].base, draft.modules[index].trained) = (nil, nil)
            }
            var request = draft.message
            for index in request.modules.indices { request.modules[index].updateEncoding = nil }
            do {
                return try request.encoded().withUnsafeReadableBytes { Digest.of($0) }.hex
            } catch {
                throw EdgeError(.refused, "the update cannot be sent: \(error)", cause: error)
            }
        }
    }
}
