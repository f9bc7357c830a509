import Core
import Registry

/// Makes the aggregate of one module by a rule.
struct ModuleAggregation {
    /// One update's weights.
    struct Source: Sendable {
        var contribution: Contribution
        var file: ModuleFile
    }

    /// What came of it.
    struct Aggregate: Sendable {
        /// A safetensors file.
        var file: [UInt8]
        /// What each source weighed, for the lineage: at least 0, together 1.
        var weights: [Double]
    }

    let registry: Registry
    let rule: any AggregationRule
    /// The largest norm of an update's difference to the base; `nil` for any.
    var clipNorm: Double?
    /// Bytes that the values of a block may take where all updates are read together.
    var blockMemory = TrainerPolicy().blockMemory

    /// The aggregate: the base version's header byte for byte, so that equal weights are equal bytes and metadata stays,
    /// and behind it what the rule makes of the updates. Tensors that are no floating-point numbers are structure, not
    /// learned, and keep the base's values.
    ///
    /// - Parameter sources: At least one, in ascending order of the updates.
    /// - Throws: ``RegistryError``; with a ``TrainerError`` as cause where the base version's own blob is unfit.
    func aggregate(_ sources: [Source], onto base: ModuleVersionRecord) async throws -> Aggregate {
        let (headerBytes, header) = try await self.header(of: base)
        var scales = [Double](repeating: 1, count: sources.count)
        if let clipNorm {
            scales = try await norms(of: sources, onto: base, header).map { $0 > clipNorm ? clipNorm / $0 : 1 }
        }
        var file = headerBytes
        file.reserveCapacity(header.byteCount)
        let contributions = sources.map(\.contribution)
        switch rule.method {
        case .weightedSum(let weigh):
            let weights = try checked(weigh(contributions, base.slot.kind), sources, base)
            try await appendSum(sources, weights, scales, onto: base, header, to: &file)
            return Aggregate(file: file, weights: weights)
        case .distanceWeighted(let weigh):
            let distances = try await distances(of: sources, scales, onto: base, header)
            let weights = try checked(weigh(contributions, distances), sources, base)
            try await appendSum(sources, weights, scales, onto: base, header, to: &file)
            return Aggregate(file: file, weights: weights)
        case .coordinatewise(let combine):
            let blocks = try await blocks(of: sources, onto: base, header)
            for (number, entry) in header.entries.enumerated() {
                let dtype = entry.description.dtype
                guard dtype.isFloatingPoint else {
                    try await appendBase(entry.byteRange, of: base, to: &file)
                    continue
                }
                try await blocks.forEachBlock(of: number) { block in
                    for row in sources.indices { block.pull(row + 1, by: scales[row]) }
                    block.combined(combine).withUnsafeBufferPointer { dtype.append($0, to: &file) }
                }
            }
            return Aggregate(file: file, weights: Shares.equal(sources.count))
        }
    }

    /// Streams Σ a_k (base + s_k (w_k - base)): each update once, and the base only where something was clipped.
    private func appendSum(
        _ sources: [Source], _ weights: [Double], _ scales: [Double], onto base: ModuleVersionRecord,
        _ header: SafetensorsHeader, to file: inout [UInt8]
    ) async throws {
        var accumulator = ModuleAccumulator(header: header)
        for (source, (weight, scale)) in zip(sources, zip(weights, scales)) where weight * scale > 0 {
            try await add(source.file, weight * scale, to: &accumulator)
        }
        let rest = zip(weights, scales).reduce(0.0) { $0 + $1.0 * (1 - $1.1) }
        if rest > 0 {
            do {
                try await add(base.file, rest, to: &accumulator)
            } catch {
                throw base.unfit(error)
            }
        }
        for (number, entry) in header.entries.enumerated() where !accumulator.append(tensor: number, to: &file) {
            try await appendBase(entry.byteRange, of: base, to: &file)
        }
    }

    private func add(_ file: ModuleFile, _ weight: Double, to accumulator: inout ModuleAccumulator) async throws {
        var stream = TensorStream(byteCount: file.size)
        for try await chunk in registry.blobs.chunks(of: file.digest) {
            try stream.consume(chunk) { header, tensor, first, bytes in
                accumulator.add(bytes, of: header.entries[tensor].description, from: first, weight: weight)
            }
        }
        try stream.finish()
    }

    private func checked(
        _ weights: [Double], _ sources: [Source], _ base: ModuleVersionRecord
    ) throws(RegistryError) -> [Double] {
        guard weights.count == sources.count, weights.allSatisfy({ (0...1).contains($0) }) else {
            throw RegistryError(.internal, "rule \(rule.name) gave no weights for \(base.module)")
        }
        return weights
    }

    /// The norm of each update's difference to the base.
    private func norms(
        of sources: [Source], onto base: ModuleVersionRecord, _ header: SafetensorsHeader
    ) async throws -> [Double] {
        var squares = [Double](repeating: 0, count: sources.count)
        let blocks = try await blocks(of: sources, onto: base, header)
        for tensor in blocks.tensors {
            try await blocks.forEachBlock(of: tensor) { block in
                for row in sources.indices { squares[row] = block.addSquares(row + 1, 0, to: squares[row]) }
            }
        }
        return squares.map { $0.squareRoot() }
    }

    private func distances(
        of sources: [Source], _ scales: [Double], onto base: ModuleVersionRecord, _ header: SafetensorsHeader
    ) async throws -> PairwiseDistances {
        var distances = PairwiseDistances(count: sources.count)
        let blocks = try await blocks(of: sources, onto: base, header)
        for tensor in blocks.tensors {
            try await blocks.forEachBlock(of: tensor) { block in
                for row in sources.indices { block.pull(row + 1, by: scales[row]) }
                for first in sources.indices {
                    for second in (first + 1)..<max(sources.count, first + 1) {
                        distances[first, second] = block.addSquares(
                            first + 1, second + 1, to: distances[first, second])
                    }
                }
            }
        }
        return distances
    }

    private func blocks(
        of sources: [Source], onto base: ModuleVersionRecord, _ header: SafetensorsHeader
    ) async throws -> CoordinateBlocks {
        try await CoordinateBlocks(
            of: sources.map(\.file), onto: base, header: header, blobs: registry.blobs, memory: blockMemory)
    }

    private func header(of base: ModuleVersionRecord) async throws -> ([UInt8], SafetensorsHeader) {
        do {
            let (bytes, header) = try await base.file.header(in: registry.blobs)
            try TensorMatch.check(header.tensors, against: base.tensors, owner: base.module)
            return (bytes, header)
        } catch {
            throw base.unfit(error)
        }
    }

    private func appendBase(_ range: Range<Int>, of base: ModuleVersionRecord, to file: inout [UInt8]) async throws {
        var position = Int64(range.lowerBound)
        do {
            while position < Int64(range.upperBound) {
                let end = min(position + Int64(BlobLayout.chunkSize), Int64(range.upperBound))
                file += try await registry.blobs.read(base.digest, range: position..<end)
                position = end
            }
        } catch {
            throw base.unfit(error)
        }
    }
}
