import ECLMCore
import EdgeClient
import Foundation
import Learning
import Logging
import NIOCore
import RPC
import Registry
import TestSupport

@testable import Adaptation

/// A small network with a published prototype, a registryd in front of it, and a device class that can run it.
struct AdaptationBench: Sendable {
    static let specification = NetworkSpecification(
        model: "toy", input: [8], classes: 4, stem: StemSpecification(kind: .dense, width: 8),
        layers: [
            LayerSpecification(name: "a", block: .dense, width: 8, modules: 4, inner: 4, innerNorm: false),
            LayerSpecification(name: "b", block: .dense, width: 8, modules: 3, inner: 4, innerNorm: false),
        ],
        selector: SelectorSpecification(widths: [6], topK: 3))

    static let model = "toy"

    let database: TestDatabase
    let registry: Registry
    let endpoint: RPCEndpoint
    let folder: String

    var provenance: Provenance { Provenance(actor: "bench", reason: "test") }

    /// Clusters, one a class; `seed` moves all of them, so that other seeds are other worlds.
    static func data(classes: [Int], count: Int, seed: UInt64, world: UInt64 = 1) throws -> TrainingData {
        var centres = SplitMix64(seed: world)
        let means = (0..<4).map { _ in (0..<8).map { _ in 1.5 * centres.normal() } }
        var generator = SplitMix64(seed: seed)
        var values: [Float] = []
        let labels = (0..<count).map { classes[$0 % classes.count] }
        for label in labels { values += means[label].map { Float($0 + generator.normal()) } }
        return try TrainingData(shape: [8], values: values, labels: labels)
    }

    /// A network that has learned all classes a little, so that its selector tells them apart.
    static let prototype: Result<[ModuleSlot: [UInt8]], any Error> = Result {
        let network = try ModularNetwork(specification, seed: 5)
        var options = TrainingOptions()
        options.forward.noise = RoutingNoise(SplitMix64(seed: 9))
        _ = try train(
            network, on: data(classes: [0, 1, 2, 3], count: 200, seed: 2),
            settings: TrainingSettings(epochs: 3, batch: 16, rate: 0.01), seed: 1, options: options)
        return try files(of: network)
    }

    static func files(of network: ModularNetwork, dtype: ElementType = .f32) throws -> [ModuleSlot: [UInt8]] {
        let json = String(decoding: specification.json, as: UTF8.self)
        var files: [ModuleSlot: [UInt8]] = [:]
        for slot in network.slots {
            let isShared = slot == .stem || slot == .selector
            files[slot] = try network.tensors(of: slot).safetensors(
                metadata: isShared ? ["network": json] : [:], dtype: dtype)
        }
        return files
    }

    /// Publishes weights; modules that did not change keep their version.
    @discardableResult
    func publish(_ files: [ModuleSlot: [UInt8]]) async throws -> Int {
        var modules: [ModelManifest.Module] = []
        for (slot, bytes) in files.sorted(by: { $0.key < $1.key }) {
            let digest = Digest.of(bytes)
            try await registry.blobs.put(bytes, digest: digest)
            let file = try SafetensorsFile(bytes: bytes)
            modules.append(
                .init(
                    slot: slot, name: slot.defaultName, digest: digest, tensors: file.header.tensors,
                    costs: ModuleCosts(
                        bytes: Int64(bytes.count), parameters: 0, flops: slot.layer == nil ? 500 : 100,
                        peakMemory: slot.layer == nil ? 2000 : 1000),
                    requirements: Requirements(dtypes: Set(file.header.tensors.map(\.dtype))), importance: 0.1))
        }
        let manifest = ModelManifest(
            model: Self.model, summary: "a toy",
            layers: [.init(name: "a", block: "dense"), .init(name: "b", block: "dense")],
            modules: modules)
        return try await registry.publish(manifest, channel: "stable", as: provenance).release.number
    }

    /// A device: its state directory, registered.
    func device(_ name: String) async throws -> String {
        let state = "\(folder)/\(name)"
        let client = try client(state)
        _ = try await client.0.register(deviceID: name, deviceClass: "toy-class")
        client.1.close()
        return state
    }

    /// A client of a device over a connection of its own.
    func client(
        _ state: String, faults: Faults? = nil
    ) throws -> (EdgeClient, RPCClient) {
        let directory = try StateDirectory(path: state)
        var configuration = RPCClientConfiguration()
        configuration.authenticationData = try directory.identity()?.authenticationData()
        let connection = RPCClient(endpoint: endpoint, configuration: configuration)
        let caller: any RPCCaller = faults.map { FaultyCaller(connection, $0) } ?? connection
        let retry = faults == nil ? RPCRetryPolicy() : .never
        return (try EdgeClient(registry: RegistryClient(caller, retry: retry), state: directory), connection)
    }

    /// Runs `body` with a client that is closed afterwards.
    func withClient<R>(
        _ state: String, faults: Faults? = nil, _ body: (EdgeClient) async throws -> R
    ) async throws -> R {
        let (client, connection) = try client(state, faults: faults)
        defer { connection.close() }
        return try await body(client)
    }

    /// Writes a data file as `adapt` reads it.
    func write(_ data: TrainingData, to name: String) throws -> String {
        let path = "\(folder)/\(name)"
        var builder = SafetensorsBuilder()
        try builder.add("values", shape: [data.count] + data.shape, floats: data.values)
        let labels = data.labels.flatMap { label in withUnsafeBytes(of: Int64(label).littleEndian) { Array($0) } }
        try builder.add(TensorDescription(name: "labels", dtype: .i64, shape: [data.count]), bytes: labels)
        try Data(builder.build()).write(to: URL(fileURLWithPath: path), options: .atomic)
        return path
    }

    /// The program, as a device would run it.
    func edgectl(_ state: String, _ arguments: [String]) -> Program {
        let endpoint = "\(self.endpoint)"
        return Program("edgectl", arguments, environment: ["ECLM_STATE": state, "ECLM_ENDPOINT": endpoint])
    }

    /// One round of the real trainer over what is pending.
    func runTrainer() async throws -> Program.Result {
        try await Program(
            "trainerd", ["--once", "--output", "json", "--database", database.connectionString]
        ).finish()
    }

    func updates() async throws -> [UpdateRecord] {
        try await registry.updates(of: Self.model).items
    }
}

/// Runs a test's body with a bench, which is torn down afterwards.
func withAdaptationBench(_ body: (AdaptationBench) async throws -> Void) async throws {
    try await withDatabase { database in
        let registry = Registry(
            pool: database.pool, blobs: BlobStore(pool: database.pool), logger: Logger(label: "bench"))
        let server = Program("registryd", ["--database", database.connectionString, "--listen", "127.0.0.1:0"])
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-adapt-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let prepared = AdaptationBench(
            database: database, registry: registry, endpoint: .unix(path: "/"), folder: folder)
        try await prepared.publish(AdaptationBench.prototype.get())
        _ = try await registry.defineDeviceClass(
            "toy-class",
            traits: DeviceTraits(
                memory: 1 << 30, flops: 1 << 30, dtypes: [.f32, .f16], operators: [], runtime: RuntimeVersion(1)),
            as: prepared.provenance)
        let file = "\(folder)/endpoint"
        server.addArguments(["--endpoint-file", file])
        try server.start()
        var endpoint: RPCEndpoint?
        let end = ContinuousClock.now + .seconds(30)
        while endpoint == nil, server.isRunning, ContinuousClock.now < end {
            let text = try? String(contentsOfFile: file, encoding: .utf8)
            endpoint = text.flatMap { RPCEndpoint($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
            try await Task.sleep(for: .milliseconds(20))
        }
        guard let endpoint else { throw EdgeError(.unavailable, "registryd did not start: \(server.text("errors"))") }
        do {
            try await body(
                AdaptationBench(database: database, registry: registry, endpoint: endpoint, folder: folder))
        } catch {
            server.send(SIGTERM)
            _ = try await server.finish()
            throw error
        }
        server.send(SIGTERM)
        _ = try await server.finish()
    }
}
