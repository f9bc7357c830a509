import ECLMCore
import Synchronization
import Testing

@testable import Aggregation

@Suite("Aggregation over all cores")
struct ParallelAggregationTests {
    private static let shape = [3, 50_001]
    private static let count = 3 * 50_001

    /// A module with tensors of the dtype, one that is longer than a job, and one that is not learned.
    private func file(_ dtype: ElementType, seed: UInt64) throws -> [UInt8] {
        var generator = SplitMix64(seed: seed)
        var builder = SafetensorsBuilder(metadata: ["a": "bc"])
        let values = (0..<Self.count).map { _ in Float.random(in: -1...1, using: &generator) }
        try builder.add("w", shape: Self.shape, dtype: dtype, floats: values)
        try builder.add("zeros", shape: [5], dtype: dtype, floats: [0, -0.0, 1, -1, 0])
        try builder.add("scalar", shape: [], dtype: .f32, floats: [3])
        try builder.add("none", shape: [0, 4], dtype: .f64, floats: [])
        try builder.add(TensorDescription(name: "flags", dtype: .u8, shape: [3]), bytes: [1, 0, 1])
        return try builder.build()
    }

    private func updates(
        _ encoding: UpdateEncoding, _ dtype: ElementType, base: [UInt8], count: Int = 7
    ) throws -> [ModuleAggregator.Update] {
        try (0..<count).map { number in
            var residual: UpdateResidual?
            let bytes = try UpdateEncoder.encode(
                trained: try file(dtype, seed: UInt64(10 + number)), base: base, as: encoding, fraction: 0.05,
                residual: &residual)
            return ModuleAggregator.Update(
                file: bytes, encoding: encoding, importance: Double(number), sampleCount: Int64(1 + number))
        }
    }

    private static let encodings: [UpdateEncoding] = [.full, .delta, .int8Delta, .sparseDelta]

    private func rules() throws -> [any AggregationRule] {
        [ImportanceWeightedMean(), CoordinateMedian(), try TrimmedMean(fraction: 0.2), try Krum(faulty: 1)]
    }

    @Test("gives the same bytes on any number of cores", arguments: encodings)
    func cores(encoding: UpdateEncoding) async throws {
        let base = try file(.f32, seed: 1)
        let updates = try updates(encoding, .f32, base: base)
        for rule in try rules() {
            for clipNorm in [nil, 5.0] {
                var results: Set<ModuleAggregator.Aggregate> = []
                for cores in [1, 2, 3, 16] {
                    var aggregator = ModuleAggregator(rule: rule, clipNorm: clipNorm)
                    aggregator.cores = cores
                    results.insert(try await aggregator.aggregate(updates, of: .expert, onto: base))
                }
                #expect(results.count == 1, "\(rule.recordedName) \(encoding)")
            }
        }
    }

    /// Blobs that are not in memory as far as the engine knows: it streams them.
    private struct Streamed: BlobSource {
        var blobs: MemoryBlobs
        func bytes(of digest: Digest, in range: Range<Int64>) async throws -> [UInt8] {
            try await blobs.bytes(of: digest, in: range)
        }
        func forEachChunk(of digest: Digest, _ body: ([UInt8]) throws -> Void) async throws {
            try await blobs.forEachChunk(of: digest, body)
        }
    }

    @Test(
        "gives in place the very bytes that a stream gives", arguments: encodings,
        [ElementType.f16, .bf16, .f32, .f64])
    func inPlace(encoding: UpdateEncoding, dtype: ElementType) async throws {
        let base = try file(dtype, seed: 1)
        var blobs = MemoryBlobs()
        let header = try SafetensorsHeader(prefix: base, fileByteCount: base.count, limits: .module)
        let version = AggregationBase(
            module: "module", kind: .expert, file: blobs.add(base), tensors: header.tensors, label: "the base")
        let sources = try updates(encoding, dtype, base: base).enumerated().map { number, update in
            ModuleAggregation.Source(
                contribution: Contribution(
                    importance: update.importance,
                    sampleCount: update.sampleCount),
                update: UpdateFile(
                    file: blobs.add(update.file), encoding: encoding, base: encoding.isDifference ? version : nil))
        }
        for rule in try rules() {
            let here = try await ModuleAggregation(blobs: blobs, rule: RoundRule(rule)).aggregate(
                sources, onto: version)
            // In streams; as whole files in many batches, in a few, and at once.
            for memory in [1 << 16, base.count, 3 * base.count, 64 << 20] {
                let streamed = try await ModuleAggregation(
                    blobs: Streamed(blobs: blobs), rule: RoundRule(rule), blockMemory: memory
                ).aggregate(sources, onto: version)
                #expect(here.file == streamed.file, "\(rule.recordedName) in \(memory) bytes")
                #expect(here.weights == streamed.weights)
            }
            #expect(here.file.count == base.count)
        }
    }

    @Test("sorts as any sort does, for every number of updates and every cut", arguments: Array(1...33) + [100, 600])
    func sorting(rows: Int) {
        var generator = SplitMix64(seed: UInt64(rows))
        let length = 131
        // Small whole numbers: many are equal, and sums are exact.
        let values = (0..<(rows * length)).map { _ in Double(Int.random(in: -9...9, using: &generator)) }
        for cut in Set([0, 1, rows / 4, (rows - 1) / 2]).sorted() where 2 * cut < rows {
            let means = means(values, rows: rows, cut: cut)
            let expected = (0..<length).map { lane in
                let column = (0..<rows).map { values[$0 * length + lane] }.sorted()[cut..<(rows - cut)]
                return column.reduce(0, +) / Double(column.count)
            }
            #expect(means == expected, "\(rows) rows without \(cut) at each end")
        }
    }

    private func means(_ values: [Double], rows: Int, cut: Int) -> [Double] {
        let length = values.count / rows
        let found = Mutex([Double](repeating: .nan, count: length))
        values.withUnsafeBytes { bytes in
            let pointers = (0..<rows).map { row in bytes.baseAddress.map { $0 + row * length * 8 } }
            SortedMeans(rows: rows, cut: cut).means(of: pointers, .f64, count: length, on: 2) { first, means in
                found.withLock { $0.replaceSubrange(first..<(first + means.count), with: means) }
            }
        }
        return found.withLock { $0 }
    }

    @Test("keeps the order of 0 and -0 as a sort does", arguments: [1, 2, 5, 8, 33])
    func zeros(rows: Int) {
        var generator = SplitMix64(seed: UInt64(rows))
        let length = 1000
        let choices = [0, -0.0, 0, -0.0, 1, -1]
        let values = (0..<(rows * length)).map { _ in choices.randomElement(using: &generator) ?? 0 }
        for cut in 0..<((rows + 1) / 2) {
            let expected = (0..<length).map { lane in
                let column = (0..<rows).map { values[$0 * length + lane] }.sorted()[cut..<(rows - cut)]
                return column.reduce(-0.0, +) / Double(column.count)
            }
            #expect(means(values, rows: rows, cut: cut).map(\.bitPattern) == expected.map(\.bitPattern))
        }
    }
}
