import Core

/// The weighted sum of files in memory: each is read once, in place, by stretches of coordinates over all cores.
///
/// Every coordinate is summed in the order of the terms, as ``ModuleAccumulator`` does, so the bits are the same as in a
/// stream and on any number of cores. Beside the files and the result it holds a few KiB for each core and, of sparse
/// terms, where each stretch begins.
struct MemorySum {
    /// Coordinates that one job takes.
    static let stretch = 1 << 16
    /// Coordinates that are summed at once: their sums stay in the nearest cache.
    static let block = 2048

    private let header: SafetensorsHeader
    private let cores: Int
    private var terms: [Term] = []

    /// One file.
    private struct Term {
        var bytes: [UInt8]
        var weight: Double
        /// Of each tensor of the base.
        var parts: [Part]
    }

    /// Where a tensor's values are in a term's file.
    private enum Part {
        case absent
        case values(offset: Int, dtype: ElementType, isDifference: Bool)
        case quantised(codes: Int, scales: Int, run: Int)
        case sparse(gaps: Range<Int>, values: Int, starts: [SparseReader])
    }

    /// - Parameter header: The base's; the result has its layout.
    init(header: SafetensorsHeader, cores: Int) {
        self.header = header
        self.cores = cores
    }

    /// Adds a file that holds weights, in tensors that fit the base's.
    mutating func add(_ bytes: [UInt8], weight: Double, _ found: SafetensorsHeader) {
        let parts = header.entries.map { entry -> Part in
            guard let range = found[entry.description.name]?.byteRange else { return .absent }
            return .values(offset: range.lowerBound, dtype: entry.description.dtype, isDifference: false)
        }
        terms.append(Term(bytes: bytes, weight: weight, parts: parts))
    }

    /// Adds a difference.
    ///
    /// - Throws: ``UpdateError`` for places of a sparse tensor that are none.
    mutating func add(_ bytes: [UInt8], weight: Double, _ found: SafetensorsHeader, layout: UpdateLayout) throws {
        let parts = try header.entries.map { entry -> Part in
            func offset(_ name: String) -> Int { found[name]?.byteRange.lowerBound ?? 0 }
            switch layout.parts[entry.description.name] {
            case nil: return .absent
            case .values(let tensor):
                return .values(offset: offset(tensor.name), dtype: tensor.dtype, isDifference: true)
            case .quantised(let codes, let scales, let run):
                return .quantised(codes: offset(codes), scales: offset(scales), run: run)
            case .sparse(let gaps, let values, let count):
                let range = found[gaps]?.byteRange ?? 0..<0
                let starts = try bytes.withUnsafeBytes {
                    try SparseReader.starts(
                        in: UnsafeRawBufferPointer(rebasing: $0[range]), elements: entry.description.elementCount ?? 0,
                        values: count, every: Self.stretch)
                }
                return .sparse(gaps: range, values: offset(values), starts: starts)
            }
        }
        terms.append(Term(bytes: bytes, weight: weight, parts: parts))
    }

    /// The sum, as a file of the base's layout.
    ///
    /// - Parameters:
    ///   - headerBytes: The base's file up to its tensors.
    ///   - base: Its whole file, for what is not summed.
    func file(_ headerBytes: [UInt8], base: [UInt8]) -> [UInt8] {
        var jobs: [(tensor: Int, first: Int, count: Int)] = []
        for (number, entry) in header.entries.enumerated() where entry.description.dtype.isFloatingPoint {
            let total = entry.description.elementCount ?? 0
            for first in stride(from: 0, to: total, by: Self.stretch) {
                jobs.append((number, first, min(Self.stretch, total - first)))
            }
        }
        return [UInt8](unsafeUninitializedCapacity: header.byteCount) { buffer, count in
            let output = UnsafeMutableRawBufferPointer(buffer)
            output.copyBytes(from: headerBytes)
            for entry in header.entries where !entry.description.dtype.isFloatingPoint {
                UnsafeMutableRawBufferPointer(rebasing: output[entry.byteRange]).copyBytes(from: base[entry.byteRange])
            }
            Self.withPointers(to: terms[...]) { pointers in
                Parallel.perform(jobs.count, on: cores) { number in
                    let job = jobs[number]
                    sum(job.tensor, job.first, job.count, pointers, to: output)
                }
            }
            count = header.byteCount
        }
    }

    /// Pointers to all files at once, valid during the call.
    private static func withPointers(
        to terms: ArraySlice<Term>, _ found: [UnsafeRawPointer] = [], _ body: ([UnsafeRawPointer]) -> Void
    ) {
        guard let term = terms.first else { return body(found) }
        term.bytes.withUnsafeBytes { bytes in
            // A file has at least a header.
            guard let start = bytes.baseAddress else { return }
            withPointers(to: terms.dropFirst(), found + [start], body)
        }
    }

    private func sum(
        _ tensor: Int, _ first: Int, _ count: Int, _ pointers: [UnsafeRawPointer],
        to output: UnsafeMutableRawBufferPointer
    ) {
        let (description, range) = (header.entries[tensor].description, header.entries[tensor].byteRange)
        guard let start = output.baseAddress else { return }
        let target = start + range.lowerBound
        let size = description.dtype.byteCount
        let parts = terms.map { $0.parts[tensor] }
        let weights = terms.map(\.weight)
        let singles = zip(parts, pointers).map { Self.singles($0, $1) }
        var readers = parts.map { part -> SparseReader? in
            guard case .sparse(_, _, let starts) = part else { return nil }
            return starts[first / Self.stretch]
        }
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.block) { sums in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.block) { scratch in
                guard let sum = sums.baseAddress, let scratch = scratch.baseAddress else { return }
                for begin in stride(from: first, to: first + count, by: Self.block) {
                    let length = min(Self.block, first + count - begin)
                    sum.update(repeating: -0.0, count: length)
                    var term = 0
                    while term < parts.count {
                        if term + 4 <= parts.count, let a = singles[term], let b = singles[term + 1],
                            let c = singles[term + 2], let d = singles[term + 3]
                        {
                            WeightedSums.add(
                                (a + begin, b + begin, c + begin, d + begin),
                                (weights[term], weights[term + 1], weights[term + 2], weights[term + 3]), to: sum,
                                length)
                            term += 4
                        } else {
                            Self.add(
                                parts[term], pointers[term], weights[term], begin..<(begin + length), &readers[term],
                                scratch, to: sum)
                            term += 1
                        }
                    }
                    WeightedSums.write(
                        UnsafeBufferPointer(start: sum, count: length), as: description.dtype,
                        to: target + begin * size)
                }
            }
        }
    }

    /// The first value of a tensor of weights in aligned F32, which four at a time are summed of.
    private static func singles(_ part: Part, _ bytes: UnsafeRawPointer) -> UnsafePointer<Float>? {
        guard case .values(let offset, .f32, false) = part else { return nil }
        let start = bytes + offset
        guard Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0 else { return nil }
        return start.assumingMemoryBound(to: Float.self)
    }

    private static func add(
        _ part: Part, _ bytes: UnsafeRawPointer, _ weight: Double, _ range: Range<Int>, _ reader: inout SparseReader?,
        _ scratch: UnsafeMutablePointer<Float>, to sums: UnsafeMutablePointer<Double>
    ) {
        switch part {
        case .absent: return
        case .values(let offset, .f64, let isDifference):
            WeightedSums.add(
                doubles: bytes + offset + range.lowerBound * 8, isDifference: isDifference, weight, to: sums,
                range.count)
        case .values(let offset, let dtype, let isDifference):
            let size = dtype.byteCount
            dtype.decode(
                UnsafeRawBufferPointer(start: bytes + offset + range.lowerBound * size, count: range.count * size),
                into: UnsafeMutableBufferPointer(start: scratch, count: range.count))
            if isDifference {
                WeightedSums.addDifference(scratch, weight, to: sums, range.count)
            } else {
                WeightedSums.add(scratch, weight, to: sums, range.count)
            }
        case .quantised(let codes, let scales, let run):
            let values = (bytes + codes).assumingMemoryBound(to: Int8.self)
            var position = range.lowerBound
            while position < range.upperBound {
                let number = position / run
                let end = min((number + 1) * run, range.upperBound)
                let scale = (bytes + scales).loadUnaligned(fromByteOffset: number * 4, as: Float.self)
                WeightedSums.add(
                    values + position, scale: Double(scale), weight, to: sums + (position - range.lowerBound),
                    end - position)
                position = end
            }
        case .sparse(let gaps, let values, _):
            let piece = UnsafeRawBufferPointer(start: bytes + gaps.lowerBound, count: gaps.count)
            reader?.forEachPlace(below: range.upperBound, in: piece) { place, number in
                let value = (bytes + values).loadUnaligned(fromByteOffset: number * 4, as: Float.self)
                if value != 0 { sums[place - range.lowerBound] += weight * Double(value) }
            }
        }
    }
}
