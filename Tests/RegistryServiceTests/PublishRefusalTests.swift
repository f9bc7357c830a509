import ECLMCore
import RPC
import Registry
import RegistryProtocol
import RegistryService
import TestSupport
import Testing

@Suite("A publication that is wrong")
struct PublishRefusalTests {
    /// Sends a changed manifest and expects a refusal that leaves no row behind.
    private func refuses(
        _ server: TestServer, _ status: RPCStatus, _ words: [String],
        sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout Wire.PublishRequest) async throws -> Void
    ) async throws {
        var request = server.manifest()
        try await change(&request)
        let before = try await server.written()
        let message = await refused(status, sourceLocation: sourceLocation) { try await server.publish(request) }
        for word in words { #expect(message.contains(word), "\(message)", sourceLocation: sourceLocation) }
        #expect(try await server.written() == before, sourceLocation: sourceLocation)
    }

    @Test("in its names and figures is refused, and nothing is written", arguments: Transport.allCases)
    func manifest(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            try await refuses(server, .invalidArgument, ["\"Bad\"", "lower-case"]) { $0.model = "Bad" }
            try await refuses(server, .invalidArgument, ["\"\" is no name"]) { $0.model = "" }
            try await refuses(server, .invalidArgument, ["1 to 128 "]) {
                $0.model = String(repeating: "a", count: 129)
            }
            try await refuses(server, .invalidArgument, ["channel"]) { $0.channel = "-" }
            try await refuses(server, .invalidArgument, ["\"l0/m\""]) { $0.modules[3].name = "l0/m" }
            try await refuses(server, .invalidArgument, ["l0.m00 is given twice"]) { $0.modules.append($0.modules[3]) }
            try await refuses(server, .invalidArgument, ["two modules claim layer 0 index 0"]) {
                $0.modules.append($0.modules[3])
                $0.modules[11].name = "twin"
            }
            try await refuses(server, .invalidArgument, ["1 to 16384"]) { $0.modules = [] }
            try await refuses(server, .invalidArgument, ["4096"]) { $0.summary = String(repeating: "é", count: 4097) }
            try await refuses(server, .invalidArgument, ["reason"]) { $0.reason = String(repeating: "x", count: 4097) }
            try await refuses(server, .invalidArgument, ["limit is 256"]) {
                $0.layers = Array(repeating: $0.layers[0], count: 257)
            }
            try await refuses(server, .invalidArgument, ["layer 1 needs a name"]) { $0.layers[1].block = "" }
            try await refuses(server, .invalidArgument, ["has no slot"]) { $0.modules[0].slot = nil }
            try await refuses(server, .invalidArgument, ["kind 0"]) { $0.modules[0].slot?.kind = .unknown }
            try await refuses(server, .invalidArgument, ["lies in layer 2"]) { $0.modules[3].slot?.layer = 2 }
            try await refuses(server, .invalidArgument, ["lies in layer -1"]) { $0.modules[3].slot?.layer = -1 }
            try await refuses(server, .invalidArgument, ["stem0", "in none"]) { $0.modules[0].slot?.layer = 0 }
            try await refuses(server, .invalidArgument, ["index -1"]) { $0.modules[3].slot?.index = -1 }
            try await refuses(server, .invalidArgument, ["importance nan"]) { $0.modules[3].importance = .nan }
            try await refuses(server, .invalidArgument, ["importance -1"]) { $0.modules[3].importance = -1 }
            try await refuses(server, .invalidArgument, ["importance inf"]) { $0.modules[3].importance = .infinity }
            try await refuses(server, .invalidArgument, ["negative cost"]) { $0.modules[3].costs?.flops = -1 }
            try await refuses(server, .invalidArgument, ["dtype \"F13\""]) {
                $0.modules[3].requirements?.dtypes = ["F13"]
            }
            try await refuses(server, .invalidArgument, ["operator"]) {
                $0.modules[3].requirements?.operators = ["a,b"]
            }
            try await refuses(server, .invalidArgument, ["\"two\"", "2.1.0"]) {
                $0.modules[3].requirements?.minimumRuntime = "two"
            }
            try await refuses(server, .invalidArgument, ["5 bytes"]) { $0.modules[3].digest = [1, 2, 3, 4, 5] }
            #expect(await server.answers())
        }
    }

    @Test("in its weights is refused, naming module, tensor and element", arguments: Transport.allCases)
    func weights(transport: Transport) async throws {
        try await withServer(over: transport) { server in
            func safetensors(_ tensors: [(String, [Int], [Float])]) throws -> [UInt8] {
                var builder = SafetensorsBuilder()
                for (name, shape, floats) in tensors {
                    try builder.add(name, shape: shape, dtype: .f32, floats: floats)
                }
                return try builder.build()
            }
            func bring(_ bytes: [UInt8]) -> (inout Wire.PublishRequest) async throws -> Void {
                { request in request.modules[3].digest = try await server.put(bytes).bytes }
            }
            var values = [Float](repeating: 1, count: 32)
            let bias = [Float](repeating: 0, count: 8)
            try await refuses(server, .notFound, ["l0.m00", "\(Digest.of([7]))", "put the blob first"]) {
                $0.modules[3].digest = Digest.of([7]).bytes
            }
            try await refuses(server, .invalidArgument, ["l0.m00", "safetensors"], bring(testBytes(200)))
            try await refuses(server, .invalidArgument, ["l0.m00", "3 bytes"], bring([1, 2, 3]))
            values[17] = .nan
            try await refuses(
                server, .invalidArgument, ["l0.m00", "up.weight holds NaN or infinity at element 17"],
                bring(try safetensors([("up.weight", [8, 4], values), ("up.bias", [8], bias)])))
            values[17] = 1
            values[31] = -.infinity
            try await refuses(
                server, .invalidArgument, ["up.weight", "element 31"],
                bring(try safetensors([("up.weight", [8, 4], values), ("up.bias", [8], bias)])))
            values[31] = 1
            try await refuses(
                server, .failedPrecondition, ["l0.m00", "up.weight", "another name"],
                bring(try safetensors([("up.weight", [4, 8], values), ("up.bias", [8], bias)])))
            try await refuses(
                server, .failedPrecondition, ["up.bias"], bring(try safetensors([("up.weight", [8, 4], values)])))
            try await refuses(
                server, .failedPrecondition, ["extra"],
                bring(
                    try safetensors([
                        ("up.weight", [8, 4], values), ("up.bias", [8], bias), ("extra", [1], [0]),
                    ])))
            var cut = try safetensors([("up.weight", [8, 4], values), ("up.bias", [8], bias)])
            cut.removeLast()
            try await refuses(server, .invalidArgument, ["l0.m00", "end"], bring(cut))
            try await refuses(server, .invalidArgument, ["gives l0.m00 5 bytes"]) { $0.modules[3].costs?.bytes = 5 }
            #expect(await server.answers())
        }
    }

    @Test("far inside a large file is found there, in memory that does not grow with the file")
    func largeWeights() async throws {
        try await withServer { server in
            // Three tensors whose elements lie across the chunks in which the blob is read.
            for (tensor, element) in [("a", 0), ("b", 262_100), ("c", 611_111)] {
                var builder = SafetensorsBuilder(metadata: ["pad": "x"])
                for (name, count) in [("a", 1), ("b", 400_001), ("c", 700_000)] {
                    var values = [Float](repeating: 0.5, count: count)
                    if name == tensor { values[element] = .infinity }
                    try builder.add(name, shape: [count], dtype: .f32, floats: values)
                }
                let digest = try await server.put(try builder.build()).bytes
                try await refuses(server, .invalidArgument, ["\(tensor) holds NaN or infinity at element \(element)"]) {
                    $0.model = "large"
                    $0.modules[0].digest = digest
                }
            }
        }
    }
}
