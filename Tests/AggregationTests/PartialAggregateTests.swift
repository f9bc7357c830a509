import ECLMCore
import Testing

@testable import Aggregation

@Suite("Partial aggregates")
struct PartialAggregateTests {
    private static let count = 3 * 1001

    /// A module around `centre`, or far from it.
    private func file(
        _ dtype: ElementType, seed: UInt64, around centre: [UInt8]? = nil, by spread: Float = 1
    ) throws -> [UInt8] {
        var generator = SplitMix64(seed: seed)
        var builder = SafetensorsBuilder(metadata: ["a": "bc"])
        let start = try centre.map { try SafetensorsFile(bytes: $0).tensor("w").doubles() }
        let values = (0..<Self.count).map { place in
            Float(start?[place] ?? 0) + Float.random(in: -spread...spread, using: &generator)
        }
        // Names in another order than that of a delta's file, where the dtypes differ.
        try builder.add("w", shape: [3, 1001], dtype: dtype, floats: values)
        try builder.add("a", shape: [5], dtype: .f32, floats: [0, -0.0, 1, -1, Float(seed)])
        try builder.add("b", shape: [2], dtype: .f64, floats: [3, Float(seed)])
        try builder.add("none", shape: [0, 4], dtype: .f16, floats: [])
        try builder.add(TensorDescription(name: "flags", dtype: .u8, shape: [3]), bytes: [1, 0, 1])
        return try builder.build()
    }

    /// Updates of random encodings, importances and sample counts, some of them to an older version.
    private func updates(
        _ dtype: ElementType, _ base: [UInt8], count: Int, seed: UInt64, spread: Float, importances: Bool = true
    ) throws -> [ModuleAggregator.Update] {
        var generator = SplitMix64(seed: seed)
        let old = try file(dtype, seed: 2, around: base, by: spread)
        return try (0..<count).map { number in
            let encoding = UpdateEncoding.allCases.randomElement(using: &generator) ?? .full
            let own = Bool.random(using: &generator) ? base : old
            var residual: UpdateResidual?
            let bytes = try UpdateEncoder.encode(
                trained: try file(dtype, seed: 100 * seed + UInt64(number), around: base, by: spread), base: own,
                as: encoding, fraction: 0.3, residual: &residual)
            var update = ModuleAggregator.Update(
                file: bytes, encoding: encoding, base: encoding.isDifference ? own : nil,
                importance: importances && number % 4 != 1 ? Double.random(in: 0...1, using: &generator) : 0,
                sampleCount: Int64.random(in: 1...500, using: &generator))
            update.name = "device-\(number)"
            return update
        }
    }

    private func values(_ file: [UInt8], _ name: String) throws -> [Double] {
        try SafetensorsFile(bytes: file).tensor(name).doubles()
    }

    /// Whether two files agree to the rounding of a difference and of the version's dtype.
    private func expectEqual(_ tree: [UInt8], _ flat: [UInt8], _ base: [UInt8], _ dtype: ElementType) throws {
        #expect(tree.count == flat.count)
        for name in ["w", "a", "b"] {
            let own: ElementType = name == "w" ? dtype : name == "a" ? .f32 : .f64
            let (treeValues, flatValues, baseValues) = try (values(tree, name), values(flat, name), values(base, name))
            let changes = zip(flatValues, baseValues).map { ($0 - $1).magnitude }
            let largest = changes.max() ?? 0
            for (found, expected) in zip(treeValues, flatValues) {
                let unit: Double =
                    switch own {
                    case .f16: max(expected.magnitude * 0x1p-10, 0x1p-24)
                    case .bf16: expected.magnitude * 0x1p-7
                    case .f32: expected.magnitude * 0x1p-23
                    default: expected.magnitude * 0x1p-50
                    }
                let rounding = own == .f64 ? 0x1p-48 : 0x1p-21
                #expect((found - expected).magnitude <= unit + rounding * (largest + 1e-30), "\(name) \(own)")
            }
        }
        // Where differences are small beside the weights, their rounding seldom shows.
        let same = try zip(values(tree, "w"), values(flat, "w")).count { $0 == $1 }
        if dtype != .f64 { #expect(same * 10 >= Self.count * 9, "\(same) of \(Self.count) are the same") }
    }

    @Test(
        "of regions give what all updates give at once, to rounding",
        arguments: [ElementType.f16, .bf16, .f32, .f64], [UInt64(1), 2, 3])
    func tree(dtype: ElementType, seed: UInt64) async throws {
        var generator = SplitMix64(seed: seed)
        let base = try file(dtype, seed: 1)
        let updates = try updates(dtype, base, count: 23, seed: seed, spread: 0.01)
        let rules = [
            RoundRule(ImportanceWeightedMean(), trainsSelector: true), RoundRule(SampleWeightedMean()),
        ]
        for rule in rules {
            let aggregator = ModuleAggregator(rule: rule.rule, trainsSelector: rule.trainsSelector)
            for kind in [ModuleKind.expert, .stem] {
                let flat = try await aggregator.aggregate(updates, of: kind, onto: base)
                // Three levels: regions of any size, districts within the first of them.
                let cuts = [0, Int.random(in: 4...8, using: &generator), Int.random(in: 9...20, using: &generator), 23]
                var districts: [ModuleAggregator.Update] = []
                for (number, range) in [0..<cuts[1], cuts[1]..<cuts[2]].enumerated() {
                    let district = try await aggregator.partial(
                        of: Array(updates[range]), of: kind, onto: base, region: "district-\(number)")
                    districts.append(try #require(district).update(to: base))
                }
                let north = try #require(
                    await aggregator.partial(of: districts, of: kind, onto: base, region: "north"))
                let south = try #require(
                    await aggregator.partial(
                        of: Array(updates[cuts[2]...]), of: kind, onto: base, region: "south"))
                #expect(north.lineage.updates == cuts[2] && south.lineage.updates == 23 - cuts[2])
                let tree = try await aggregator.aggregate(
                    [north.update(to: base), south.update(to: base)], of: kind, onto: base)
                try expectEqual(tree.file, flat.file, base, dtype)
                // What a device weighs in the end is the product of the weights on its way.
                let way =
                    zip(north.lineage.inputs, [0..<cuts[1], cuts[1]..<cuts[2]]).map { ($0.weight, $1) }
                for (weight, range) in way {
                    let whole = flat.weights[range].reduce(0, +)
                    #expect((tree.weights[0] * weight - whole).magnitude < 1e-12)
                }
                #expect((tree.weights[1] - flat.weights[cuts[2]...].reduce(0, +)).magnitude < 1e-12)
            }
        }
    }

    @Test("that were told to an older version give the same on the current one")
    func older() async throws {
        let (base, current) = (try file(.f32, seed: 1), try file(.f32, seed: 9))
        let updates = try updates(.f32, base, count: 8, seed: 4, spread: 0.01)
        let aggregator = ModuleAggregator(rule: ImportanceWeightedMean())
        let flat = try await aggregator.aggregate(updates, of: .expert, onto: current)
        let parts = [updates[..<3], updates[3...]]
        var regions: [ModuleAggregator.Update] = []
        for (number, part) in parts.enumerated() {
            let partial = try await aggregator.partial(of: Array(part), of: .expert, onto: base, region: "\(number)")
            regions.append(try #require(partial).update(to: base))
        }
        let tree = try await aggregator.aggregate(regions, of: .expert, onto: current)
        try expectEqual(tree.file, flat.file, base, .f32)
    }

    @Test("where a region, or all, have no importance weigh as at once")
    func unimportant() async throws {
        let base = try file(.f32, seed: 1)
        let aggregator = ModuleAggregator(rule: ImportanceWeightedMean())
        let silent = try updates(.f32, base, count: 5, seed: 5, spread: 0.01, importances: false)
        for others in [true, false] {
            let loud = try updates(.f32, base, count: 4, seed: 6, spread: 0.01, importances: others)
            let flat = try await aggregator.aggregate(silent + loud, of: .expert, onto: base)
            var regions: [ModuleAggregator.Update] = []
            for part in [silent, loud] {
                let partial = try await aggregator.partial(of: part, of: .expert, onto: base, region: "r")
                regions.append(try #require(partial).update(to: base))
            }
            let tree = try await aggregator.aggregate(regions, of: .expert, onto: base)
            try expectEqual(tree.file, flat.file, base, .f32)
            #expect((tree.weights[0] == 0) == others)
        }
    }

    @Test("have the same bytes on any number of cores and with any memory")
    func bytes() async throws {
        let base = try file(.f16, seed: 1)
        let updates = try updates(.f16, base, count: 9, seed: 7, spread: 0.1)
        var found: Set<PartialAggregate> = []
        for cores in [1, 2, 16] {
            var aggregator = ModuleAggregator(rule: SampleWeightedMean())
            aggregator.cores = cores
            found.insert(try #require(await aggregator.partial(of: updates, of: .head, onto: base, region: "r")))
        }
        #expect(found.count == 1)
        // As a round would read them, file by file, of a registry.
        var blobs = MemoryBlobs()
        var versions: [[UInt8]: AggregationBase] = [:]
        for bytes in [base] + updates.compactMap(\.base) where versions[bytes] == nil {
            let header = try SafetensorsHeader(prefix: bytes, fileByteCount: bytes.count, limits: .module)
            versions[bytes] = AggregationBase(
                module: "m", kind: .head, file: blobs.add(bytes), tensors: header.tensors, label: "version")
        }
        let sources = updates.enumerated().map { number, update in
            ModuleAggregation.Source(
                contribution: Contribution(
                    importance: update.importance,
                    sampleCount: update.sampleCount),
                update: UpdateFile(
                    file: blobs.add(update.file), encoding: update.encoding, base: update.base.flatMap { versions[$0] })
            )
        }
        for memory in [1 << 10, 3 * base.count, 64 << 20] {
            let partial = try await ModuleAggregation(
                blobs: Stored(blobs: blobs), rule: RoundRule(SampleWeightedMean()), blockMemory: memory
            ).partial(sources, onto: try #require(versions[base]))
            #expect(partial.file == found.first?.file)
        }
    }

    /// Blobs that are not in memory as far as the engine knows.
    private struct Stored: BlobSource {
        var blobs: MemoryBlobs
        func bytes(of digest: Digest, in range: Range<Int64>) async throws -> [UInt8] {
            try await blobs.bytes(of: digest, in: range)
        }
        func forEachChunk(of digest: Digest, _ body: ([UInt8]) throws -> Void) async throws {
            try await blobs.forEachChunk(of: digest, body)
        }
    }

    @Test("name every input in a document, down to the devices")
    func lineage() async throws {
        let base = try file(.f32, seed: 1)
        let updates = try updates(.f32, base, count: 6, seed: 8, spread: 0.01)
        let aggregator = ModuleAggregator(rule: SampleWeightedMean())
        let leaf = try #require(await aggregator.partial(of: updates, of: .stem, onto: base, region: "leaf"))
        #expect(leaf.lineage.inputs.map(\.name) == updates.compactMap(\.name))
        #expect(leaf.lineage.inputs.map(\.file) == updates.map { Digest.of($0.file) })
        #expect(leaf.lineage.base == Digest.of(base) && leaf.lineage.file == Digest.of(leaf.file))
        #expect(leaf.lineage.sampleCount == updates.reduce(0) { $0 + $1.sampleCount })
        #expect((leaf.lineage.inputs.reduce(0) { $0 + $1.weight } - 1).magnitude < 1e-12)
        let document = try leaf.lineage.document()
        let read = try PartialAggregate.Lineage(document: document)
        #expect(read == leaf.lineage)
        #expect(try read.document() == document)
        let root = try #require(
            await aggregator.partial(of: [leaf.update(to: base)], of: .stem, onto: base, region: "root"))
        #expect(root.lineage.inputs.map(\.lineage) == [Digest.of(document)])
        #expect(root.lineage.updates == 6)
    }

    @Test("are refused where the mean is not that of the devices' updates")
    func refusals() async throws {
        let base = try file(.f32, seed: 1)
        let updates = try updates(.f32, base, count: 6, seed: 9, spread: 0.01)
        let mean = ModuleAggregator(rule: SampleWeightedMean())
        let region = try #require(await mean.partial(of: updates, of: .stem, onto: base, region: "r")).update(to: base)
        let rules: [any AggregationRule] = [
            CoordinateMedian(), try TrimmedMean(fraction: 0.2), try Krum(faulty: 1), ImportanceWeightedMean(),
        ]
        for rule in rules {
            await #expect(throws: AggregationError.self, "\(rule.recordedName)") {
                try await ModuleAggregator(rule: rule).aggregate([region] + updates, of: .stem, onto: base)
            }
            guard !rule.mergesPartials else { continue }
            let error = await #expect(throws: AggregationError.self) {
                try await ModuleAggregator(rule: rule).partial(of: updates, of: .stem, onto: base, region: "r")
            }
            #expect(error?.code == .invalidPolicy)
        }
        for clipped in [ModuleAggregator(rule: SampleWeightedMean(), clipNorm: 1)] {
            await #expect(throws: AggregationError.self) {
                try await clipped.aggregate([region], of: .stem, onto: base)
            }
            await #expect(throws: AggregationError.self) {
                try await clipped.partial(of: updates, of: .stem, onto: base, region: "r")
            }
        }
        #expect(try await mean.partial(of: [], of: .stem, onto: base, region: "r") == nil)
        #expect(try await mean.partial(of: updates, of: .selector, onto: base, region: "r") == nil)
        var large = updates[0]
        large.sampleCount = .max
        await #expect(throws: AggregationError.self) {
            try await mean.partial(of: [large, large], of: .stem, onto: base, region: "r")
        }
        var document = try #require(await mean.partial(of: updates, of: .stem, onto: base, region: "r")).lineage
        document.inputs[0].weight = 2
        #expect(throws: AggregationError.self) { try PartialAggregate.Lineage(document: document.document()) }
        #expect(throws: AggregationError.self) { try PartialAggregate.Lineage(document: Array("{}".utf8)) }
    }
}
