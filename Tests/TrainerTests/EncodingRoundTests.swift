import Aggregation
import ECLMCore
import PostgreSQL
import Registry
import TestSupport
import Testing
import UpdateReference

@testable import Trainer

@Suite("Rounds over updates in every encoding")
struct EncodingRoundTests {
    struct Case: CustomTestStringConvertible {
        var rule: String
        var parameters: [String: Double] = [:]
        var dtype = ElementType.f32
        var testDescription: String { "\(rule) \(parameters) \(dtype.rawValue)" }

        func aggregator(blockMemory: Int) throws -> ModuleAggregator {
            let specification = try RuleSpecification(rule, parameters)
            return ModuleAggregator(
                rule: specification.rule, clipNorm: parameters["clip_norm"],
                blockMemory: blockMemory)
        }
    }

    static let cases: [Case] = [
        Case(rule: "importance_mean"), Case(rule: "importance_mean", dtype: .f16),
        Case(rule: "importance_mean", dtype: .f64), Case(rule: "importance_mean", parameters: ["clip_norm": 20]),
        Case(rule: "sample_mean"), Case(rule: "median"), Case(rule: "median", parameters: ["clip_norm": 20]),
        Case(rule: "trimmed_mean", parameters: ["fraction": 0.2]),
        Case(rule: "multi_krum", parameters: ["f": 1, "m": 3]),
        Case(rule: "geometric_median"), Case(rule: "median", dtype: .bf16),
    ]

    private static let encodings: [UpdateEncoding] = [
        .int8Delta, .sparseDelta, .full, .delta, .sparseDelta, .int8Delta, .delta,
    ]

    @Test("give the bytes of the aggregation in memory, and those of the weights they stand for", arguments: cases)
    func equal(example: Case) async throws {
        var settings = TrainerPolicy()
        settings.blockMemory = 1 << 16
        try await withBench(policy: settings, dtype: example.dtype, width: 1501) { bench in
            // A first round, so that differences are told to two versions.
            let first = try await bench.model.bytes(try #require(try await bench.model.versions()["l0.m00"]).digest)
            try await bench.model.submit([.init("l0.m00")], from: "early", seed: 3)
            _ = try #require(try await bench.round())
            let current = try #require(try await bench.model.versions()["l0.m00"])
            let second = try await bench.model.bytes(current.digest)
            #expect(first != second)

            var updates: [ModuleAggregator.Update] = []
            var meant: [ModuleAggregator.Update] = []
            for (device, encoding) in Self.encodings.enumerated() {
                let base = device % 3 == 1 ? first : second
                let trained = try bench.model.weights(of: "l0.m00", seed: UInt64(900 + device))
                var residual: UpdateResidual?
                let file = try UpdateEncoder.encode(
                    trained: trained, base: base, as: encoding, fraction: 0.2, residual: &residual)
                let importance = 0.25 + Double(device % 3)
                try await bench.model.submit(
                    [
                        .init(
                            "l0.m00", importance: importance, samples: Int64(device + 1), bytes: file,
                            encoding: encoding)
                    ],
                    from: "device-\(device)", release: base == first ? 1 : 2)
                updates.append(
                    .init(
                        file: file, encoding: encoding, base: base, importance: importance,
                        sampleCount: Int64(device + 1)))
                meant.append(
                    .init(
                        file: try UpdateDecoder.decode(file, as: encoding, onto: base), importance: importance,
                        sampleCount: Int64(device + 1)))
            }
            _ = try await bench.model.registry.setPolicy(
                of: bench.model.name, PolicyChange(rule: example.rule, parameters: example.parameters.mapValues { $0 }),
                as: Provenance(actor: "operator", reason: "test"))
            let outcome = try #require(try await bench.round())
            #expect(outcome.quarantined.isEmpty && outcome.updates.count == updates.count, "\(outcome.quarantined)")
            let made = try #require(try await bench.model.versions()["l0.m00"])

            let inMemory = try await example.aggregator(blockMemory: 1 << 16).aggregate(
                updates, of: .expert, onto: second)
            #expect(Digest.of(inMemory.file) == made.digest)
            // Whatever is read at once.
            let other = try await example.aggregator(blockMemory: 64 << 20).aggregate(
                updates, of: .expert, onto: second)
            #expect(other == inMemory)
            let rows = try await bench.database.pool.query(
                """
                SELECT weight FROM eclm.round_inputs
                WHERE update_id = ANY (\(outcome.updates.map(\.rawValue))) ORDER BY update_id
                """)
            #expect(try rows.map { try $0.decode("weight", as: Double.self) } == inMemory.weights)

            // Decoding first rounds each update once to the dtype: no more than that lies between the two.
            let expanded = try await example.aggregator(blockMemory: 1 << 20).aggregate(
                meant, of: .expert, onto: second)
            let (one, two) = (
                try ModelFixture.tensors(in: inMemory.file), try ModelFixture.tensors(in: expanded.file)
            )
            let tolerance =
                switch example.dtype {
                case .bf16: 2e-2
                case .f16: 2e-3
                case .f64: 1e-12
                default: 1e-6
                }
            for (name, values) in two {
                let worst = zip(one[name] ?? [], values).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? .infinity
                #expect(worst <= tolerance, "\(name) differs by \(worst)")
            }
        }
    }

    @Test("give the weights that the decoder gives, where there is one update", arguments: UpdateEncoding.allCases)
    func single(encoding: UpdateEncoding) async throws {
        try await withBench(width: 300) { bench in
            let base = try await bench.model.bytes(try #require(try await bench.model.versions()["head0"]).digest)
            var residual: UpdateResidual?
            let file = try UpdateEncoder.encode(
                trained: try bench.model.weights(of: "head0", seed: 4), base: base, as: encoding, residual: &residual)
            try await bench.model.submit([.init("head0", bytes: file, encoding: encoding)], from: "device")
            _ = try #require(try await bench.round())
            let made = try #require(try await bench.model.versions()["head0"])
            #expect(try await bench.model.bytes(made.digest) == UpdateDecoder.decode(file, as: encoding, onto: base))
        }
    }

    @Test("make no version of differences of nothing", arguments: [UpdateEncoding.delta, .int8Delta, .sparseDelta])
    func nothing(encoding: UpdateEncoding) async throws {
        try await withBench { bench in
            let base = try await bench.model.bytes(try #require(try await bench.model.versions()["l0.m00"]).digest)
            for device in 0..<3 {
                var residual: UpdateResidual?
                let file = try UpdateEncoder.encode(trained: base, base: base, as: encoding, residual: &residual)
                try await bench.model.submit(
                    [.init("l0.m00", bytes: file, encoding: encoding)], from: "device-\(device)")
            }
            let outcome = try #require(try await bench.round())
            #expect(outcome.keptVersions == 1 && outcome.newVersions == 0 && outcome.updates.count == 3)
        }
    }

    private func bad(_ fault: String) throws -> (UpdateEncoding, [UInt8]) {
        var builder = SafetensorsBuilder()
        let codes = [UInt8](repeating: 1, count: 32)
        var encoding = UpdateEncoding.int8Delta
        switch fault {
        case "scale":
            try builder.add(TensorDescription(name: "up.weight", dtype: .i8, shape: [8, 4]), bytes: codes)
            try builder.add("up.weight#scale", shape: [8], floats: [1, 1, 1, -1, 1, 1, 1, 1])
            try builder.add(TensorDescription(name: "up.bias", dtype: .i8, shape: [8]), bytes: Array(codes[..<8]))
            try builder.add("up.bias#scale", shape: [], floats: [1])
        case "NaN":
            encoding = .delta
            try builder.add("up.weight", shape: [8, 4], floats: [Float](repeating: 0, count: 31) + [.nan])
            try builder.add("up.bias", shape: [8], floats: [Float](repeating: 0, count: 8))
        case "beyond":
            encoding = .sparseDelta
            try builder.add(TensorDescription(name: "up.bias#gaps", dtype: .u8, shape: [2]), bytes: [6, 1])
            try builder.add("up.bias#values", shape: [2], floats: [1, 1])
        default:
            try builder.add(TensorDescription(name: "up.weight", dtype: .i8, shape: [4, 8]), bytes: codes)
            try builder.add(TensorDescription(name: "up.bias", dtype: .i8, shape: [8]), bytes: Array(codes[..<8]))
            try builder.add("up.bias#scale", shape: [], floats: [1])
        }
        return (encoding, try builder.build())
    }

    @Test(
        "quarantine what is at fault with a reason",
        arguments: [
            ("scale", "up.weight#scale holds -1.0 at element 3"), ("NaN", "up.weight holds NaN at element 31"),
            ("beyond", "up.bias#gaps: place 1, 8, is beyond the tensor's 8 elements"), ("shape", "[4, 8], not [8, 4]"),
        ])
    func quarantine(fault: String, says: String) async throws {
        try await withBench { bench in
            let (encoding, file) = try bad(fault)
            let update = try await bench.model.insertUnchecked(
                [.init("l0.m00", bytes: file, encoding: encoding)], from: "bad")
            let good = try await bench.model.submit([.init("l0.m00")], from: "good")
            let outcome = try #require(try await bench.round())
            #expect(outcome.updates == [good])
            let reason = try #require(try await bench.reason(update))
            #expect(reason.contains(says), "\(reason)")
            let current = try await bench.model.bytes(try #require(try await bench.model.versions()["l0.m00"]).digest)
            await #expect(throws: AggregationError.self) {
                try await ModuleAggregator(rule: SampleWeightedMean()).aggregate(
                    [.init(file: file, encoding: encoding)], of: .expert, onto: current)
            }
        }
    }

    @Test("are refused at the border where the header tells", arguments: UpdateEncoding.allCases)
    func border(encoding: UpdateEncoding) async throws {
        try await withBench { bench in
            let (_, file) = try bad("shape")
            let error = await #expect(throws: RegistryError.self) {
                try await bench.model.submit([.init("l0.m00", bytes: file, encoding: encoding)], from: "bad")
            }
            #expect(error?.code == .invalidArgument)
        }
    }
}
