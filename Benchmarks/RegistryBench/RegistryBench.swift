import ArgumentParser
import NIOCore
import RPC
import RegistryProtocol

/// Load clients: measure a running registryd from a process of their own.
@main
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry-bench", abstract: "Measure a running registryd.",
        subcommands: [RegistryBench.self, WriteBench.self], defaultSubcommand: RegistryBench.self)
}

/// Compose queries and blob bytes.
struct RegistryBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Measure compose queries and blob bytes, beside a bare echo as the ceiling.",
        discussion: """
            Prints one JSON line a measurement. ratio is the part of the echo's figure, with as many bytes, in the same run.

            Example:
              registry-bench --endpoint 127.0.0.1:7420 --model minilm
            """)

    @Option(help: "Where registryd listens, HOST:PORT.")
    var endpoint = "127.0.0.1:7420"

    @Option(help: "The model to compose from and fetch.")
    var model: String

    @Option(help: "Connections.")
    var connections = 2

    @Option(help: "Calls in flight.")
    var concurrency = 64

    @Option(help: "Seconds for each measurement.")
    var seconds = 5.0

    func validate() throws {
        guard (1...64).contains(connections), (1...4096).contains(concurrency), (0.1...600).contains(seconds) else {
            throw ValidationError("connections must be 1 to 64, concurrency 1 to 4096, seconds 0.1 to 600")
        }
    }

    func run() async throws {
        guard let endpoint = RPCEndpoint(endpoint) else { throw ValidationError("write the endpoint as HOST:PORT") }
        var configuration = RPCClientConfiguration()
        configuration.connectionsPerEndpoint = connections
        let client = RPCClient(endpoint: endpoint, configuration: configuration)
        defer { client.close() }

        var query = Wire.ComposeRequest()
        query.model = model
        query.timeLimitMs = 1000
        let whole = try await compose(query, client)
        guard let composition = whole.composition, let totals = composition.totals else {
            throw ValidationError("\(model) has no sub-model without limits")
        }
        // Half of what lies between the shared parts and the whole model: a budget that the search must work for.
        let shared = composition.modules.filter { $0.slot?.layer == nil }.reduce(0) { $0 + $1.memory }
        query.budget = Wire.Budget()
        query.budget?.memory = shared + (totals.memory - shared) / 2
        query.importances = Self.importances(of: composition)

        let answer = try await compose(query, client)
        let requestBytes = try query.encoded().readableBytes
        let responseBytes = try answer.encoded().readableBytes
        let echo = try await measure("echo", client) {
            var message = Wire.EchoRequest()
            message.payload = [UInt8](repeating: 7, count: (requestBytes + responseBytes) / 2)
            return try Operation(HealthServiceAPI.echo, message)
        }
        report(
            echo, unit: "calls_per_second", ceiling: nil,
            detail: ["payload_bytes": Double((requestBytes + responseBytes) / 2)])
        let composed = try await measure("compose", client) { try Operation(CompositionServiceAPI.compose, query) }
        report(
            composed, unit: "queries_per_second", ceiling: echo.callsPerSecond,
            detail: ["modules": Double(answer.composition?.modules.count ?? 0), "solve_us": Double(answer.solveUs)])

        try await measureBlobs(composition, client)
    }

    private func measureBlobs(_ composition: Wire.Composition, _ client: RPCClient) async throws {
        let experts = composition.modules.filter { $0.slot?.layer != nil }
        guard let largest = experts.max(by: { $0.bytes < $1.bytes }) else { return }
        let attachment = ByteBuffer(repeating: 7, count: Int(largest.bytes))
        let echo = try await measure("blob_echo", client) {
            try Operation(HealthServiceAPI.echo, Wire.EchoRequest(), attachment: attachment)
        }
        // An echo moves its bytes twice, a fetch once.
        report(
            echo, unit: "gigabytes_per_second", ceiling: nil, detail: ["blob_bytes": Double(largest.bytes)],
            scale: 2 * Double(largest.bytes) / 1e9)
        var request = Wire.GetBlobRequest()
        request.digest = largest.digest
        let fetched = try await measure("blob_get", client) { [request] in try Operation(BlobServiceAPI.get, request) }
        report(
            fetched, unit: "gigabytes_per_second", ceiling: echo.callsPerSecond * 2,
            detail: ["blob_bytes": Double(largest.bytes)], scale: Double(largest.bytes) / 1e9)
    }

    private func compose(_ query: Wire.ComposeRequest, _ client: RPCClient) async throws -> Wire.ComposeResponse {
        let operation = try Operation(CompositionServiceAPI.compose, query)
        return try Wire.ComposeResponse(decoding: try await operation.call(client).payload)
    }

    /// Importances that differ from module to module, the same in every run.
    private static func importances(of composition: Wire.Composition) -> [Wire.LayerImportances] {
        let slots = composition.modules.compactMap(\.slot).filter { $0.layer != nil }
        let layers = Dictionary(grouping: slots) { $0.layer ?? 0 }
        var state: UInt64 = 42
        return layers.keys.sorted().map { layer in
            var entry = Wire.LayerImportances()
            entry.layer = layer
            entry.importances = (layers[layer] ?? []).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Double(state >> 11) / Double(1 << 53)
            }
            return entry
        }
    }
}
