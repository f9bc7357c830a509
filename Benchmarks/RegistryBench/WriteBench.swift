import ArgumentParser
import ECLMCore
import Foundation
import NIOCore
import RPC
import RegistryProtocol

/// What the database limits: submissions and publications.
struct WriteBench: AsyncParsableCommand {
    enum Work: String, ExpressibleByArgument, CaseIterable {
        /// Updates of 18 small modules, whose weights come with them.
        case submit
        /// Updates of one module of 1 MB.
        case submitLarge = "submit-large"
        /// Publications of 10 new versions whose blobs are there, a model for each client.
        case publish
    }

    static let configuration = CommandConfiguration(
        commandName: "write",
        abstract: "Measure submissions and publications.",
        discussion: """
            Prints one JSON line. ratio is the part of --peer, the rate of pgbench or COPY at as many clients, measured \\
            beside; Scripts/bench-database measures both in turn.

            Example:
              registry-bench write submit --endpoint 127.0.0.1:7420 --clients 8 --peer 1200
            """)

    @Argument(help: "submit, submit-large or publish.")
    var work: Work

    @Option(help: "Where registryd listens, HOST:PORT; several are taken in turn.")
    var endpoint = ["127.0.0.1:7420"]

    @Option(help: "Clients, each with one call in flight.")
    var clients = 8

    @Option(help: "Seconds to measure.")
    var seconds = 5.0

    @Option(help: "What to compare with: transactions, or blobs of 1 MB, a second.")
    var peer: Double?

    @Option(help: "What was different about the surroundings, for the line.")
    var variant = "plain"

    func validate() throws {
        guard (1...256).contains(clients), (0.1...600).contains(seconds), !endpoint.isEmpty else {
            throw ValidationError("clients must be 1 to 256, seconds 0.1 to 600")
        }
    }

    func run() async throws {
        let connections = try endpoint.map { text in
            guard let endpoint = RPCEndpoint(text) else { throw ValidationError("write the endpoint as HOST:PORT") }
            var configuration = RPCClientConfiguration()
            configuration.connectionsPerEndpoint = 4
            return RPCClient(endpoint: endpoint, configuration: configuration)
        }
        defer { for connection in connections { connection.close() } }
        let run = "bench-\(UInt32.random(in: 0 ... .max))"
        let seconds = seconds
        let work = work
        let done = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<clients {
                let client = WriteClient(
                    name: "\(run)-\(number)", connection: connections[number % connections.count])
                group.addTask { try await client.run(work, seconds: seconds) }
            }
            return try await group.reduce(0, +)
        }
        var line: [String: Any] = [
            "benchmark": "database_\(work.rawValue)", "calls_per_second": (Double(done) / seconds * 10).rounded() / 10,
            "clients": clients, "servers": endpoint.count, "variant": variant,
        ]
        if let peer, peer > 0 {
            line["peer_per_second"] = (peer * 10).rounded() / 10
            line["ratio"] = (Double(done) / seconds / peer * 1000).rounded() / 1000
        }
        let data = try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys])
        print(String(decoding: data, as: UTF8.self))
    }
}

/// One client of the measurement, with a model and a device of its own.
private struct WriteClient: Sendable {
    let name: String
    let connection: RPCClient

    /// Repeats the work and counts how often it ended in time.
    func run(_ work: WriteBench.Work, seconds: Double) async throws -> Int {
        let elements = work == .submitLarge ? 262_144 : 250
        let modules = work == .submitLarge ? 2 : work == .submit ? 20 : 10
        var release = try await publish(modules: modules, elements: elements, seed: 0)
        if work != .publish { try await register() }
        let end = ContinuousClock.now + .seconds(seconds)
        var count = 0
        while true {
            let seed = Float(count + 1)
            if work == .publish {
                // The blobs are put before, outside of what is measured.
                let request = try await manifest(modules: modules, elements: elements, seed: seed)
                guard ContinuousClock.now < end else { return count }
                release = try await call(ReleaseServiceAPI.publish, request).release?.number ?? release
            } else {
                guard ContinuousClock.now < end else { return count }
                try await submit(
                    to: release, trained: work == .submit ? 18 : 1, elements: elements, key: "\(count)", seed: seed)
            }
            count += 1
        }
    }

    private func call<Request, Response>(
        _ method: RemoteMethod<Request, Response>, _ request: Request, attachment: ByteBuffer = ByteBuffer()
    ) async throws -> Response {
        let operation = try Operation(method, request, attachment: attachment)
        return try Response(decoding: try await operation.call(connection).payload)
    }

    /// A module's weights: one value differs from seed to seed, module to module and client to client.
    private func weights(_ module: Int, elements: Int, seed: Float) throws -> [UInt8] {
        var values = [Float](repeating: 0.5, count: elements)
        values[0] = Float(module)
        values[1] = seed
        values[2] = Float(UInt(bitPattern: name.hashValue) % 1_000_000)
        var builder = SafetensorsBuilder()
        try builder.add("weight", shape: [elements], dtype: .f32, floats: values)
        return try builder.build()
    }

    private func put(_ bytes: [UInt8]) async throws -> [UInt8] {
        var begin = Wire.BeginPutRequest()
        begin.digest = Digest.of(bytes).bytes
        begin.size = Int64(bytes.count)
        let begun = try await call(BlobServiceAPI.beginPut, begin)
        if !begun.exists {
            var part = Wire.PutRequest()
            part.uploadId = begun.uploadId
            _ = try await call(BlobServiceAPI.put, part, attachment: ByteBuffer(bytes: bytes))
        }
        return begin.digest
    }

    private func manifest(modules: Int, elements: Int, seed: Float) async throws -> Wire.PublishRequest {
        var request = Wire.PublishRequest()
        request.model = name
        request.channel = "stable"
        request.reason = "benchmark"
        var layer = Wire.ManifestLayer()
        (layer.name, layer.block) = ("layer", "feed_forward")
        request.layers = [layer]
        for index in 0..<modules {
            var module = Wire.ManifestModule()
            module.slot = Wire.ModuleSlot()
            module.slot?.kind = index == 0 ? .stem : .expert
            module.slot?.layer = index == 0 ? nil : 0
            module.slot?.index = Int32(index == 0 ? 0 : index - 1)
            module.name = "m\(index)"
            module.importance = 1
            module.costs = Wire.ModuleCosts()
            module.digest = try await put(try weights(index, elements: elements, seed: seed))
            request.modules.append(module)
        }
        return request
    }

    private func publish(modules: Int, elements: Int, seed: Float) async throws -> Int32 {
        let request = try await manifest(modules: modules, elements: elements, seed: seed)
        return try await call(ReleaseServiceAPI.publish, request).release?.number ?? 0
    }

    private func register() async throws {
        var definition = Wire.DefineDeviceClassRequest()
        definition.name = name
        definition.traits = Wire.DeviceTraits()
        definition.traits?.memory = 1 << 33
        definition.traits?.flops = 1 << 30
        definition.traits?.dtypes = ["F32"]
        _ = try await call(DeviceServiceAPI.defineDeviceClass, definition)
        var device = Wire.RegisterDeviceRequest()
        device.deviceId = name
        device.deviceClass = name
        device.token = [UInt8](repeating: 7, count: 32)
        _ = try await call(DeviceServiceAPI.registerDevice, device)
    }

    private func submit(to release: Int32, trained: Int, elements: Int, key: String, seed: Float) async throws {
        var request = Wire.SubmitRequest()
        request.deviceId = name
        request.model = name
        request.baseRelease = release
        request.idempotencyKey = key
        request.sampleCount = 60
        var attachment = ByteBuffer()
        for index in 1...trained {
            let bytes = try weights(index, elements: elements, seed: seed)
            var module = Wire.TrainedModule()
            module.module = "m\(index)"
            module.baseVersion = 1
            module.digest = Digest.of(bytes).bytes
            module.importance = 0.5
            request.modules.append(module)
            var blob = Wire.AttachedBlob()
            (blob.digest, blob.size) = (module.digest, Int64(bytes.count))
            request.attached.append(blob)
            attachment.writeBytes(bytes)
        }
        _ = try await call(UpdateServiceAPI.submit, request, attachment: attachment)
    }
}
