import ECLMCore

/// The weighted sum of files that are too large to hold: the same coordinates of all of them, window by window, a few
/// files being read at once and each summed over all cores.
///
/// The bits are those of ``MemorySum``, since every coordinate is summed in the order of the terms. Beside the result it
/// holds a window's sums, what is read of a few files, and of each difference what it reads ahead. Ranges of files are
/// not verified: their digests were compared before.
struct StreamedSum {
    let blobs: any BlobSource
    let base: AggregationBase
    let header: SafetensorsHeader
    /// Bytes to hold beside the result; windows have at least ``smallestWindow`` coordinates all the same.
    let memory: Int
    let cores: Int

    /// Files that are read at once: while one waits for the database another is summed.
    private static let readers = 3
    /// Coordinates of a window. The most that are asked for at once is 4 MiB.
    private static let smallestWindow = 1 << 10
    private static let largestWindow = 1 << 19
    /// Coordinates that a core takes at a time.
    private static let job = MemorySum.block
    /// What is read at once of a difference, at the least.
    private static let stretch = 1 << 14

    /// A file and where its values are.
    private struct Term: Sendable {
        var file: ModuleFile
        var weight: Double
        /// Where each tensor of the base begins, of a file that holds weights.
        var offsets: [Int] = []
        /// Reads a difference.
        var cursor: DifferenceCursor?
        /// The version, where it is one.
        var version: AggregationBase?
    }

    /// Some coordinates of a tensor.
    private struct Window: Sendable {
        var tensor: Int
        var description: TensorDescription
        var first: Int
        var count: Int
    }

    /// What was read of a term: its weights as they are in the file, or the values of a difference with what goes on
    /// reading it.
    private struct Piece: Sendable {
        var term: Int
        var bytes: [UInt8] = []
        var values: [Double] = []
        var cursor: DifferenceCursor?
    }

    /// Appends the sum to the bytes of the base's header.
    ///
    /// - Parameters:
    ///   - noise: Added behind all others; `nil` for none.
    ///   - unlearned: What the base's file has where no floating-point numbers are.
    /// - Throws: ``SafetensorsError`` or ``UpdateError`` for files that do not fit, ``AggregationError`` with `unfitVersion`
    ///   where a version's own blob is unfit, and what the source throws.
    func append(
        _ updates: [(update: UpdateFile, weight: Double)], _ versions: [(base: AggregationBase, weight: Double)],
        noise: ModuleNoise?, unlearned: [Unlearned], to file: inout [UInt8]
    ) async throws {
        var terms: [Term] = []
        for (update, weight) in updates { terms.append(try await term(update, weight)) }
        for (version, weight) in versions { terms.append(try await term(version, weight)) }
        let length = windowLength(terms, smallest: noise == nil ? Self.smallestWindow : GaussianNoise.stretch)
        file.reserveCapacity(header.byteCount)
        for (tensor, entry) in header.entries.enumerated() {
            if let kept = unlearned.first(where: { $0.range == entry.byteRange }) {
                file += kept.bytes
                continue
            }
            let total = entry.description.elementCount ?? 0
            for first in stride(from: 0, to: total, by: length) {
                let window = Window(
                    tensor: tensor, description: entry.description, first: first, count: min(length, total - first))
                // The neutral element of the sum: 0 + -0 would lose the sign of a weight that is -0.
                var sums = [Double](repeating: -0.0, count: window.count)
                try await sum(window, of: &terms, to: &sums)
                try sums.withUnsafeMutableBufferPointer { sums in
                    try noise?.add(to: sums, tensor: tensor, from: first, on: cores)
                }
                append(sums, as: entry.description.dtype, to: &file)
            }
        }
    }

    private func term(_ update: UpdateFile, _ weight: Double) async throws -> Term {
        guard update.encoding.isDifference else {
            let (_, found) = try await update.file.header(in: blobs)
            return Term(file: update.file, weight: weight, offsets: try offsets(in: found))
        }
        let cursor = try await DifferenceCursor(
            update, tensors: base.tensors, owner: base.module, in: blobs, stretch: Self.stretch)
        return Term(file: update.file, weight: weight, cursor: cursor)
    }

    private func term(_ version: AggregationBase, _ weight: Double) async throws -> Term {
        do {
            let (_, found) = try await version.header(in: blobs)
            return Term(file: version.file, weight: weight, offsets: try offsets(in: found), version: version)
        } catch {
            throw version.unfit(error)
        }
    }

    private func offsets(in found: SafetensorsHeader) throws -> [Int] {
        try TensorMatch.check(found.tensors, against: base.tensors, owner: base.module)
        return header.entries.map { found[$0.description.name]?.byteRange.lowerBound ?? 0 }
    }

    /// A power of two, so that windows begin where the noise's stretches do.
    private func windowLength(_ terms: [Term], smallest: Int) -> Int {
        let differences = terms.count { $0.cursor != nil }
        let room = max(1, memory / ((1 + Self.readers + differences) * MemoryLayout<Double>.size))
        return min(max(1 << (Int.bitWidth - 1 - room.leadingZeroBitCount), smallest), Self.largestWindow)
    }

    /// Adds a window of every term, in their order.
    private func sum(_ window: Window, of terms: inout [Term], to sums: inout [Double]) async throws {
        try await withThrowingTaskGroup(of: Piece.self) { group in
            var arrived: [Int: Piece] = [:]
            var started = 0
            for number in terms.indices {
                while started < min(number + Self.readers, terms.count) {
                    let (next, term) = (started, terms[started])
                    group.addTask { try await read(window, of: term, next) }
                    started += 1
                }
                while arrived[number] == nil, let piece = try await group.next() { arrived[piece.term] = piece }
                guard let piece = arrived.removeValue(forKey: number) else { continue }
                if let cursor = piece.cursor {
                    terms[number].cursor = cursor
                    piece.values.withUnsafeBytes { add($0, .f64, terms[number].weight, to: &sums) }
                } else {
                    piece.bytes.withUnsafeBytes {
                        add($0, window.description.dtype, terms[number].weight, to: &sums)
                    }
                }
            }
        }
    }

    private func read(_ window: Window, of term: Term, _ number: Int) async throws -> Piece {
        if var cursor = term.cursor {
            let values = try await cursor.read(window.description, from: window.first, count: window.count)
            return Piece(term: number, values: values, cursor: cursor)
        }
        let size = window.description.dtype.byteCount
        let start = Int64(term.offsets[window.tensor] + window.first * size)
        do {
            return Piece(
                term: number,
                bytes: try await blobs.bytes(of: term.file.digest, in: start..<(start + Int64(window.count * size))))
        } catch {
            throw term.version?.unfit(error) ?? error
        }
    }

    private func add(_ row: UnsafeRawBufferPointer, _ dtype: ElementType, _ weight: Double, to sums: inout [Double]) {
        precondition(row.count == sums.count * dtype.byteCount, "\(row.count) bytes are not \(sums.count) values")
        guard let row = row.baseAddress else { return }
        // Safe to share: jobs do not overlap.
        nonisolated(unsafe) let source = row
        let count = sums.count
        sums.withUnsafeMutableBufferPointer { sums in
            guard let start = sums.baseAddress else { return }
            nonisolated(unsafe) let target = start
            Parallel.perform((count + Self.job - 1) / Self.job, on: cores) { number in
                let first = number * Self.job
                WeightedSums.add(
                    source + first * dtype.byteCount, dtype, weight, to: target + first, min(Self.job, count - first))
            }
        }
    }

    private func append(_ sums: [Double], as dtype: ElementType, to file: inout [UInt8]) {
        let start = file.count
        file.append(contentsOf: repeatElement(0, count: sums.count * dtype.byteCount))
        file.withUnsafeMutableBytes { file in
            sums.withUnsafeBufferPointer { sums in
                guard let output = file.baseAddress else { return }
                nonisolated(unsafe) let target = output + start
                Parallel.perform((sums.count + Self.job - 1) / Self.job, on: cores) { number in
                    let range = (number * Self.job)..<min((number + 1) * Self.job, sums.count)
                    WeightedSums.write(
                        UnsafeBufferPointer(rebasing: sums[range]), as: dtype,
                        to: target + range.lowerBound * dtype.byteCount)
                }
            }
        }
    }
}
