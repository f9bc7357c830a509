public import ECLMCore
public import Foundation
import Logging
import PostgreSQL
public import Registry

/// A small published model with random weights, and devices that train it.
///
///     try await withDatabase { database in
///         let model = try await ModelFixture.publish(in: database)
///         try await model.submit([.init("l0.m00", importance: 0.5)], from: "device-1")
///     }
///
/// Two layers of three experts and a bypass, a stem, a head and a selector. The head has an integer tensor, too.
public struct ModelFixture: Sendable {
    /// The registry over the superuser's pool.
    public let registry: Registry
    /// The model's name.
    public let name: String
    /// What its weights are.
    public let dtype: ElementType
    /// The manifest it was published with.
    public let manifest: ModelManifest

    /// The experts' hidden width.
    public let hiddenWidth: Int

    /// The class that every device of the fixture belongs to.
    public static let deviceClass = "phone"

    /// One trained module to submit.
    public struct Trained: Sendable {
        /// The module's name.
        public var module: String
        public var importance: Double
        /// The sample count.
        public var samples: Int64
        /// The weights; random when `nil`.
        public var bytes: [UInt8]?
        /// How they are written.
        public var encoding: UpdateEncoding

        public init(
            _ module: String, importance: Double = 1, samples: Int64 = 10, bytes: [UInt8]? = nil,
            encoding: UpdateEncoding = .full
        ) {
            self.module = module
            self.importance = importance
            self.samples = samples
            self.bytes = bytes
            self.encoding = encoding
        }
    }

    /// Publishes the model to the channel `stable` of a database and defines the device class.
    ///
    /// - Parameters:
    ///   - width: The experts' hidden width: an expert has 4 · width + width weights.
    ///   - seed: Equal seeds give equal weights.
    public static func publish(
        in database: TestDatabase, name: String = "mlp", dtype: ElementType = .f32, width: Int = 8, seed: UInt64 = 1
    ) async throws -> ModelFixture {
        let registry = Registry(
            pool: database.pool, blobs: BlobStore(pool: database.pool), logger: Logger(label: "test"))
        var generator = SplitMix64(seed: seed)
        var slots = [
            ModuleSlot(kind: .stem, layer: nil, index: 0), ModuleSlot(kind: .head, layer: nil, index: 0),
            ModuleSlot(kind: .selector, layer: nil, index: 0),
        ]
        for layer in 0..<2 {
            for index in 0..<3 { slots.append(ModuleSlot(kind: .expert, layer: layer, index: index)) }
            slots.append(ModuleSlot(kind: .bypass, layer: layer, index: 3))
        }
        var modules: [ModelManifest.Module] = []
        for slot in slots {
            let bytes = try weights(of: slot, dtype: dtype, width: width, metadata: ["format": "pt"], using: &generator)
            let digest = Digest.of(bytes)
            try await registry.blobs.put(bytes, digest: digest)
            modules.append(
                ModelManifest.Module(
                    slot: slot, name: slot.defaultName, digest: digest, tensors: [],
                    costs: ModuleCosts(bytes: 0, parameters: 0, flops: 1000, peakMemory: 4096),
                    requirements: Requirements(
                        dtypes: [dtype], operators: ["linear"], minimumRuntime: RuntimeVersion(1, 2, 3)),
                    importance: 0.5))
        }
        let manifest = ModelManifest(
            model: name, summary: "a test's model",
            layers: [.init(name: "blocks.0", block: "feed_forward"), .init(name: "blocks.1", block: "feed_forward")],
            modules: modules)
        _ = try await registry.publish(manifest, channel: "stable", as: Provenance(actor: "publisher"))
        let all = Set(ElementType.allCases)
        _ = try await registry.defineDeviceClass(
            deviceClass,
            traits: DeviceTraits(
                memory: 1 << 30, flops: 1 << 40, dtypes: all, operators: ["linear"], runtime: RuntimeVersion(2)),
            as: Provenance(actor: "operator"))
        return ModelFixture(registry: registry, name: name, dtype: dtype, manifest: manifest, hiddenWidth: width)
    }

    /// Random weights for a module: a safetensors file.
    public func weights(of module: String, seed: UInt64) throws -> [UInt8] {
        var generator = SplitMix64(seed: seed)
        let entry = manifest.modules.first { $0.name == module }
        guard let entry else { throw RegistryError(.notFound, "the fixture has no module \(module)") }
        return try Self.weights(of: entry.slot, dtype: dtype, width: hiddenWidth, metadata: [:], using: &generator)
    }

    /// Submits trained modules as a device does; registers the device when it is new.
    ///
    /// - Parameters:
    ///   - release: The base release; the channel's current when `nil`.
    ///   - seed: Equal seeds give equal weights.
    @discardableResult
    public func submit(
        _ modules: [Trained], from device: String, key: String = UUID().uuidString, release: Int? = nil,
        samples: Int64 = 10, seed: UInt64 = 7
    ) async throws -> UpdateID {
        let (number, brought) = try await bring(modules, from: device, release: release, seed: seed)
        return try await registry.submit(
            UpdateSubmission(
                deviceID: device, model: name, baseRelease: number, idempotencyKey: key, sampleCount: samples,
                modules: brought)
        ).updateID
    }

    /// Writes an update's rows as ``submit(_:from:key:release:samples:seed:)`` would, without any of its checks.
    @discardableResult
    public func insertUnchecked(
        _ modules: [Trained], from device: String, release: Int? = nil, seed: UInt64 = 7
    ) async throws -> UpdateID {
        let (number, brought) = try await bring(modules, from: device, release: release, seed: seed)
        let key = UUID().uuidString
        return try await registry.pool.transaction { connection in
            let id: Int64 = try await connection.query(
                """
                INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest, sample_count)
                SELECT \(device), model_id, release_id, \(key), sha256(\(key)::bytea), 10
                FROM eclm.releases JOIN eclm.models USING (model_id) WHERE name = \(name) AND number = \(Int32(number))
                RETURNING update_id
                """
            ).one().decode("update_id")
            for module in brought {
                try await connection.query(
                    """
                    INSERT INTO eclm.update_modules (update_id, model_id, module_id, base_version_id, digest, encoding, importance,
                        sample_count, base_digest)
                    SELECT \(id), m.model_id, m.module_id, rm.module_version_id, \(module.digest.bytes),
                        \(module.encoding.rawValue), \(module.importance), \(module.sampleCount), \(module.base?.bytes)
                    FROM eclm.modules m JOIN eclm.models mo USING (model_id)
                    JOIN eclm.releases e ON e.model_id = m.model_id AND e.number = \(Int32(number))
                    JOIN eclm.release_modules rm ON rm.release_id = e.release_id AND rm.module_id = m.module_id
                    WHERE mo.name = \(name) AND m.name = \(module.module)
                    """)
            }
            return UpdateID(id)
        }
    }

    /// A stored blob's tensors by name, in double precision.
    public func tensors(_ digest: Digest) async throws -> [String: [Double]] {
        try Self.tensors(in: await bytes(digest))
    }

    /// A safetensors file's floating-point tensors by name, in double precision.
    public static func tensors(in bytes: [UInt8]) throws -> [String: [Double]] {
        var tensors: [String: [Double]] = [:]
        for tensor in try SafetensorsFile(bytes: bytes).tensors where tensor.dtype.isFloatingPoint {
            tensors[tensor.name] =
                tensor.dtype == .f64
                ? tensor.withUnsafeBytes { bytes in
                    (0..<tensor.elementCount).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
                } : try tensor.floats().map(Double.init)
        }
        return tensors
    }

    /// A stored blob.
    public func bytes(_ digest: Digest) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in registry.blobs.chunks(of: digest) { bytes += chunk }
        return bytes
    }

    /// The channel's current version of every module, by name.
    public func versions(release: ReleaseSelector = .standard) async throws -> [String: ModuleVersionRecord] {
        let modules = try await registry.modules(of: name, release: release).modules.items
        return Dictionary(uniqueKeysWithValues: modules.map { ($0.version.module, $0.version) })
    }

    private func bring(
        _ modules: [Trained], from device: String, release: Int?, seed: UInt64
    ) async throws -> (release: Int, modules: [UpdateSubmission.Module]) {
        _ = try await registry.register(
            DeviceRegistration(
                deviceID: device, deviceClass: Self.deviceClass, token: Digest.of(Array(device.utf8)).bytes),
            as: Provenance(actor: device))
        let base = try await registry.release(of: name, release.map { .number($0) } ?? .standard)
        let versions = try await versions(release: .number(base.number))
        var brought: [UpdateSubmission.Module] = []
        for (position, module) in modules.enumerated() {
            let bytes = try module.bytes ?? weights(of: module.module, seed: seed &* 1000 &+ UInt64(position))
            let digest = Digest.of(bytes)
            try await registry.blobs.put(bytes, digest: digest)
            brought.append(
                UpdateSubmission.Module(
                    module: module.module, baseVersion: versions[module.module]?.version ?? 0, digest: digest,
                    encoding: module.encoding, importance: module.importance, sampleCount: module.samples,
                    base: versions[module.module]?.digest))
        }
        return (base.number, brought)
    }

    private static func weights(
        of slot: ModuleSlot, dtype: ElementType, width: Int, metadata: [ExactText: String],
        using generator: inout SplitMix64
    ) throws -> [UInt8] {
        func values(_ count: Int) -> [Float] {
            (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
        }
        var builder = SafetensorsBuilder(metadata: metadata)
        switch slot.kind {
        case .expert:
            try builder.add("up.weight", shape: [width, 4], dtype: dtype, floats: values(4 * width))
            try builder.add("up.bias", shape: [width], dtype: dtype, floats: values(width))
        case .bypass:
            try builder.add("scale", shape: [], dtype: dtype, floats: values(1))
        case .stem, .selector:
            try builder.add("weight", shape: [4, 4], dtype: dtype, floats: values(16))
        case .head:
            try builder.add("weight", shape: [2, 4], dtype: dtype, floats: values(8))
            let steps = Int64.random(in: 0...1_000_000, using: &generator)
            try builder.add(
                TensorDescription(name: "steps", dtype: .i64, shape: [1]),
                bytes: withUnsafeBytes(of: steps) { Array($0) })
        }
        return try builder.build()
    }
}

extension ModelFixture {
    /// The same model in another registry, which mirrored it; defines the device class there.
    public static func mirror(of model: ModelFixture, in registry: Registry) async throws -> ModelFixture {
        _ = try await registry.defineDeviceClass(
            deviceClass,
            traits: DeviceTraits(
                memory: 1 << 30, flops: 1 << 40, dtypes: Set(ElementType.allCases), operators: ["linear"],
                runtime: RuntimeVersion(2)), as: Provenance(actor: "operator"))
        return ModelFixture(
            registry: registry, name: model.name, dtype: model.dtype, manifest: model.manifest,
            hiddenWidth: model.hiddenWidth)
    }
}
