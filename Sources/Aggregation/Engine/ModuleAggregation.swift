package import ECLMCore

/// Makes the aggregate of one module by a rule, of blobs in the registry or in memory.
package struct ModuleAggregation: Sendable {
    /// One update's part.
    package struct Source: Sendable {
        package var contribution: Contribution
        package var update: UpdateFile

        package init(contribution: Contribution, update: UpdateFile) {
            self.contribution = contribution
            self.update = update
        }
    }

    /// What came of it.
    package struct Aggregate: Sendable {
        /// A safetensors file.
        package var file: [UInt8]
        /// What each source weighed, for the lineage: at least 0, together 1.
        package var weights: [Double]
    }

    package let blobs: any BlobSource
    package let rule: RoundRule
    /// The largest norm of an update's difference to the base; `nil` for any.
    let clipNorm: Double?
    /// Bytes that the values of a block may take where all updates are read together.
    let blockMemory: Int
    /// The threads to use; the result does not depend on it.
    let cores: Int
    /// Whether updates are looked at while they are summed, for which ``readsWhole(_:)`` must hold; else they were before.
    let checksUpdates: Bool

    package init(
        blobs: any BlobSource, rule: RoundRule, clipNorm: Double? = nil,
        blockMemory: Int = ModuleAggregator.standardBlockMemory, cores: Int = Parallel.cores,
        checksUpdates: Bool = false
    ) {
        self.blobs = blobs
        self.rule = rule
        self.clipNorm = clipNorm
        self.blockMemory = blockMemory
        self.cores = cores
        self.checksUpdates = checksUpdates
    }

    /// The aggregate: the base version's header byte for byte, so that equal weights are equal bytes and metadata stays,
    /// and behind it what the rule makes of the updates. Tensors that are no floating-point numbers are structure, not
    /// learned, and keep the base's values.
    ///
    /// - Parameter sources: At least one, in ascending order of the updates.
    /// - Throws: ``AggregationError`` with `unfitVersion` where the base version's own blob is unfit; what the source
    ///   throws; ``SafetensorsError`` or ``UpdateError`` for updates that do not fit.
    package func aggregate(_ sources: [Source], onto base: AggregationBase) async throws -> Aggregate {
        let (headerBytes, header) = try await base.header(in: blobs)
        var scales = [Double](repeating: 1, count: sources.count)
        if let clipNorm {
            scales = try await norms(of: sources, onto: base, header).map { $0 > clipNorm ? clipNorm / $0 : 1 }
        }
        var file = headerBytes
        let contributions = sources.map(\.contribution)
        switch rule.method {
        case .weightedSum(let weigh):
            let weights = try checked(weigh(contributions, base.kind), sources, base)
            try await appendSum(sources, weights, scales, onto: base, header, to: &file)
            return Aggregate(file: file, weights: weights)
        case .distanceWeighted(let weigh):
            let distances = try await distances(of: sources, scales, onto: base, header)
            let weights = try checked(weigh(contributions, distances), sources, base)
            try await appendSum(sources, weights, scales, onto: base, header, to: &file)
            return Aggregate(file: file, weights: weights)
        case .trimmed(let cut):
            let means = SortedMeans(rows: sources.count, cut: cut(sources.count))
            if let memory = blobs as? MemoryBlobs, clipNorm == nil,
                sources.allSatisfy({ !$0.update.encoding.isDifference })
            {
                let files = try sources.map { try read($0.update.file, in: memory) }
                for (_, found) in files {
                    try TensorMatch.check(found.tensors, against: base.tensors, owner: base.module)
                }
                file = MemoryMeans(header: header, means: means, cores: cores).file(
                    file, unlearned: header.unlearned(in: try memory.contents(of: base.file)), of: files)
                return Aggregate(file: file, weights: Shares.equal(sources.count))
            }
            try await appendBlocks(sources, scales, onto: base, header, to: &file) { $0.means(means, on: cores) }
            return Aggregate(file: file, weights: Shares.equal(sources.count))
        case .coordinatewise(let combine):
            try await appendBlocks(sources, scales, onto: base, header, to: &file) { $0.combined(combine) }
            return Aggregate(file: file, weights: Shares.equal(sources.count))
        case .wholeUpdates:
            throw AggregationError(
                .internal, "rule \(rule.name) takes whole updates, and \(base.module) alone was given to it")
        }
    }

    /// Appends what `combine` makes of the values of each block.
    private func appendBlocks(
        _ sources: [Source], _ scales: [Double], onto base: AggregationBase, _ header: SafetensorsHeader,
        to file: inout [UInt8], _ combine: (CoordinateBlocks.Block) -> [Double]
    ) async throws {
        file.reserveCapacity(header.byteCount)
        var blocks = try await blocks(of: sources, onto: base, header)
        for (number, entry) in header.entries.enumerated() {
            let dtype = entry.description.dtype
            guard dtype.isFloatingPoint else {
                try await appendBase(entry.byteRange, of: base, to: &file)
                continue
            }
            try await blocks.forEachBlock(of: number) { block in
                for row in sources.indices { block.pull(row + 1, by: scales[row]) }
                combine(block).withUnsafeBufferPointer { dtype.append($0, to: &file) }
            }
        }
    }

    /// What is summed: Σ a_k (base + s_k (w_k - base)) takes each update once, and each version only where something was
    /// clipped or updates are differences to it: Σ a_k (base_k + difference_k) is a sum of differences and one of versions.
    func terms(
        _ sources: [Source], _ weights: [Double], _ scales: [Double], onto base: AggregationBase
    ) -> (updates: [(update: UpdateFile, weight: Double)], versions: [(base: AggregationBase, weight: Double)]) {
        var updates: [(update: UpdateFile, weight: Double)] = []
        var versions: [(base: AggregationBase, weight: Double)] = []
        func count(_ base: AggregationBase, _ weight: Double) {
            if let place = versions.firstIndex(where: { $0.base.file.digest == base.file.digest }) {
                versions[place].weight += weight
            } else {
                versions.append((base, weight))
            }
        }
        for (source, (weight, scale)) in zip(sources, zip(weights, scales)) where weight * scale > 0 || checksUpdates {
            updates.append((source.update, weight * scale))
            guard weight * scale > 0 else { continue }
            if source.update.encoding.isDifference, let own = source.update.base { count(own, weight * scale) }
        }
        let rest = zip(weights, scales).reduce(0.0) { $0 + $1.0 * (1 - $1.1) }
        if rest > 0 { count(base, rest) }
        return (updates, versions)
    }

    private func appendSum(
        _ sources: [Source], _ weights: [Double], _ scales: [Double], onto base: AggregationBase,
        _ header: SafetensorsHeader, to file: inout [UInt8]
    ) async throws {
        let (updates, versions) = terms(sources, weights, scales, onto: base)
        // Both sum in the order of the updates, and the versions behind them.
        if let memory = blobs as? MemoryBlobs {
            try sumInPlace(updates, versions, onto: base, header, memory, to: &file)
        } else {
            try await sumBlobs(updates, versions, onto: base, header, to: &file)
        }
    }

    /// Whether files of these sizes are read whole, each once, and can be looked at on the way.
    package func readsWhole(_ sizes: [Int64]) -> Bool { sizes.allSatisfy { $0 <= Int64(blockMemory) } }

    private func sumBlobs(
        _ updates: [(update: UpdateFile, weight: Double)], _ versions: [(base: AggregationBase, weight: Double)],
        onto base: AggregationBase, _ header: SafetensorsHeader, to file: inout [UInt8]
    ) async throws {
        let sizes = updates.map(\.update.file.size) + versions.map(\.base.file.size)
        guard readsWhole(sizes) else {
            precondition(!checksUpdates, "files that are streamed are looked at before")
            return try await sumStreams(updates, versions, onto: base, header, nil, to: &file)
        }
        let sum = BatchedSum(blobs: blobs, base: base, header: header, memory: blockMemory, cores: cores)
        file = try await sum.file(
            file, of: registryTerms(updates, versions), unlearned: try await unlearned(header, of: base))
    }

    /// What the base's file has where no floating-point numbers are.
    func unlearned(_ header: SafetensorsHeader, of base: AggregationBase) async throws -> [Unlearned] {
        var unlearned: [Unlearned] = []
        for entry in header.entries where !entry.description.dtype.isFloatingPoint {
            var bytes: [UInt8] = []
            try await appendBase(entry.byteRange, of: base, to: &bytes)
            unlearned.append(Unlearned(range: entry.byteRange, bytes: bytes[...]))
        }
        return unlearned
    }

    func registryTerms(
        _ updates: [(update: UpdateFile, weight: Double)], _ versions: [(base: AggregationBase, weight: Double)]
    ) -> [BatchedSum.Term] {
        updates.map { BatchedSum.Term(weight: $0.weight, update: $0.update, isChecked: checksUpdates) }
            + versions.map {
                BatchedSum.Term(
                    weight: $0.weight, update: UpdateFile(file: $0.base.file), version: $0.base, isChecked: false)
            }
    }

    private func read(_ file: ModuleFile, in memory: MemoryBlobs) throws -> ([UInt8], SafetensorsHeader) {
        let bytes = try memory.contents(of: file)
        return (bytes, try SafetensorsHeader(prefix: bytes, fileByteCount: bytes.count, limits: .module))
    }

    func memorySum(
        _ updates: [(update: UpdateFile, weight: Double)], _ versions: [(base: AggregationBase, weight: Double)],
        onto base: AggregationBase, _ header: SafetensorsHeader, _ memory: MemoryBlobs
    ) throws -> MemorySum {
        var sum = MemorySum(header: header, cores: cores)
        for (update, weight) in updates {
            let (bytes, found) = try read(update.file, in: memory)
            try TensorMatch.check(found.tensors, as: update.encoding, against: base.tensors, owner: base.module)
            if update.encoding.isDifference {
                let layout = try UpdateLayout(of: found.tensors, as: update.encoding, onto: base.tensors)
                try sum.add(bytes, weight: weight, found, layout: layout)
            } else {
                sum.add(bytes, weight: weight, found)
            }
        }
        for (version, weight) in versions {
            let (bytes, found) = try read(version.file, in: memory)
            try TensorMatch.check(found.tensors, against: base.tensors, owner: base.module)
            sum.add(bytes, weight: weight, found)
        }
        return sum
    }

    private func sumInPlace(
        _ updates: [(update: UpdateFile, weight: Double)], _ versions: [(base: AggregationBase, weight: Double)],
        onto base: AggregationBase, _ header: SafetensorsHeader, _ memory: MemoryBlobs, to file: inout [UInt8]
    ) throws {
        let sum = try memorySum(updates, versions, onto: base, header, memory)
        file = sum.file(file, unlearned: header.unlearned(in: try memory.contents(of: base.file)))
    }

    /// - Parameter noise: Added behind all others; `nil` for none.
    func sumStreams(
        _ updates: [(update: UpdateFile, weight: Double)], _ versions: [(base: AggregationBase, weight: Double)],
        onto base: AggregationBase, _ header: SafetensorsHeader, _ noise: ModuleNoise?, to file: inout [UInt8]
    ) async throws {
        let sum = StreamedSum(blobs: blobs, base: base, header: header, memory: blockMemory, cores: cores)
        try await sum.append(
            updates, versions, noise: noise, unlearned: try await unlearned(header, of: base), to: &file)
    }

    func checked(
        _ weights: [Double], _ sources: [Source], _ base: AggregationBase
    ) throws(AggregationError) -> [Double] {
        guard weights.count == sources.count, weights.allSatisfy({ (0...1).contains($0) }) else {
            throw AggregationError(.internal, "rule \(rule.name) gave no weights for \(base.module)")
        }
        return weights
    }

    /// The norm of each update's difference to the base.
    package func norms(
        of sources: [Source], onto base: AggregationBase, _ header: SafetensorsHeader
    ) async throws -> [Double] {
        var squares = [Double](repeating: 0, count: sources.count)
        var blocks = try await blocks(of: sources, onto: base, header)
        for tensor in blocks.tensors {
            try await blocks.forEachBlock(of: tensor) { block in
                block.addSquares(sources.indices.map { ($0 + 1, 0) }, to: &squares, on: cores)
            }
        }
        return squares.map { $0.squareRoot() }
    }

    private func distances(
        of sources: [Source], _ scales: [Double], onto base: AggregationBase, _ header: SafetensorsHeader
    ) async throws -> PairwiseDistances {
        let pairs = sources.indices.flatMap { first in sources.indices[(first + 1)...].map { (first + 1, $0 + 1) } }
        var squares = [Double](repeating: 0, count: pairs.count)
        var blocks = try await blocks(of: sources, onto: base, header)
        for tensor in blocks.tensors {
            try await blocks.forEachBlock(of: tensor) { block in
                for row in sources.indices { block.pull(row + 1, by: scales[row]) }
                block.addSquares(pairs, to: &squares, on: cores)
            }
        }
        var distances = PairwiseDistances(count: sources.count)
        for (pair, square) in zip(pairs, squares) { distances[pair.0 - 1, pair.1 - 1] = square }
        return distances
    }

    private func blocks(
        of sources: [Source], onto base: AggregationBase, _ header: SafetensorsHeader
    ) async throws -> CoordinateBlocks {
        try await CoordinateBlocks(
            of: sources.map(\.update), onto: base, header: header, blobs: blobs, memory: blockMemory, cores: cores)
    }

    private func appendBase(_ range: Range<Int>, of base: AggregationBase, to file: inout [UInt8]) async throws {
        var position = Int64(range.lowerBound)
        do {
            while position < Int64(range.upperBound) {
                let end = min(position + Int64(Reading.stretch), Int64(range.upperBound))
                file += try await blobs.bytes(of: base.file.digest, in: position..<end)
                position = end
            }
        } catch {
            throw base.unfit(error)
        }
    }
}
