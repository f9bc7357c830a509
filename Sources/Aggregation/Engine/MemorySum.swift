import ECLMCore

/// The weighted sum of files in memory: each is read once, in place, by stretches of coordinates over all cores.
///
/// Every coordinate is summed in the order of the terms, as ``StreamedSum`` does, so the bits are the same as in a
/// stream and on any number of cores. Beside the files and the result it holds a few KiB for each core and, of sparse
/// terms, where each stretch begins.
struct MemorySum {
    /// Coordinates that one job takes.
    static let stretch = 1 << 16
    /// Coordinates that are summed at once: their sums stay in a core's own cache, and what is read of a file is long
    /// enough for the memory to run ahead.
    static let block = 1 << 15

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
        case sparse(gaps: Range<Int>, values: Int, places: SparsePlaces)
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
            switch layout.parts[ExactText(entry.description.name)] {
            case nil: return .absent
            case .values(let tensor):
                return .values(offset: offset(tensor.name), dtype: tensor.dtype, isDifference: true)
            case .quantised(let codes, let scales, let run):
                return .quantised(codes: offset(codes), scales: offset(scales), run: run)
            case .sparse(let gaps, let values, let count):
                let range = found[gaps]?.byteRange ?? 0..<0
                let places = try bytes.withUnsafeBytes {
                    try SparsePlaces(
                        in: UnsafeRawBufferPointer(rebasing: $0[range]), elements: entry.description.elementCount ?? 0,
                        values: count, every: Self.stretch)
                }
                return .sparse(gaps: range, values: offset(values), places: places)
            }
        }
        terms.append(Term(bytes: bytes, weight: weight, parts: parts))
    }

    /// A stretch of coordinates of one tensor.
    private struct Job {
        var tensor: Int
        var first: Int
        var count: Int
        /// Where the tensor begins among the sums of all.
        var start: Int
    }

    private static func jobs(_ header: SafetensorsHeader) -> [Job] {
        var jobs: [Job] = []
        var start = 0
        for (number, entry) in header.entries.enumerated() where entry.description.dtype.isFloatingPoint {
            let total = entry.description.elementCount ?? 0
            for first in stride(from: 0, to: total, by: stretch) {
                jobs.append(Job(tensor: number, first: first, count: min(stretch, total - first), start: start))
            }
            start += total
        }
        return jobs
    }

    /// The sum, as a file of the base's layout.
    ///
    /// - Parameters:
    ///   - headerBytes: The base's file up to its tensors.
    ///   - unlearned: What the base's file has where no floating-point numbers are.
    func file(_ headerBytes: [UInt8], unlearned: [Unlearned]) -> [UInt8] {
        let jobs = Self.jobs(header)
        return header.file(headerBytes, unlearned: unlearned) { output in
            MemoryBlobs.withPointers(to: terms.map(\.bytes)[...]) { pointers in
                Parallel.perform(jobs.count, on: cores) { number in
                    sum(jobs[number], pointers, onto: nil, to: output)
                }
            }
        }
    }

    /// Adds the terms to sums that are kept between files, one for each coordinate of the learned tensors in their order;
    /// -0 before the first.
    func add(to sums: inout [Double]) {
        let jobs = Self.jobs(header)
        sums.withUnsafeMutableBufferPointer { sums in
            guard let sums = sums.baseAddress else { return }
            // Safe to share: jobs do not overlap.
            nonisolated(unsafe) let target = sums
            MemoryBlobs.withPointers(to: terms.map(\.bytes)[...]) { pointers in
                Parallel.perform(jobs.count, on: cores) { number in
                    let job = jobs[number]
                    sum(job, pointers, onto: target + job.start, to: nil)
                }
            }
        }
    }

    /// The number of coordinates of the learned tensors.
    static func coordinates(_ header: SafetensorsHeader) -> Int {
        header.entries.reduce(0) {
            $0 + ($1.description.dtype.isFloatingPoint ? $1.description.elementCount ?? 0 : 0)
        }
    }

    /// Sums that were kept, as a file.
    static func file(
        of sums: [Double], _ header: SafetensorsHeader, _ headerBytes: [UInt8], unlearned: [Unlearned], cores: Int
    ) -> [UInt8] {
        let jobs = jobs(header)
        return header.file(headerBytes, unlearned: unlearned) { output in
            sums.withUnsafeBufferPointer { sums in
                Parallel.perform(jobs.count, on: cores) { number in
                    let job = jobs[number]
                    let entry = header.entries[job.tensor]
                    guard let bytes = output.baseAddress else { return }
                    let begin = job.start + job.first
                    WeightedSums.write(
                        UnsafeBufferPointer(rebasing: sums[begin..<(begin + job.count)]), as: entry.description.dtype,
                        to: bytes + entry.byteRange.lowerBound + job.first * entry.description.dtype.byteCount)
                }
            }
        }
    }

    /// - Parameters:
    ///   - kept: The tensor's sums to go on from; `nil` to begin, and write the result to `output`.
    private func sum(
        _ job: Job, _ pointers: [UnsafeRawPointer], onto kept: UnsafeMutablePointer<Double>?,
        to output: UnsafeMutableRawBufferPointer?
    ) {
        let (tensor, first, count) = (job.tensor, job.first, job.count)
        let (description, tensorRange) = (header.entries[tensor].description, header.entries[tensor].byteRange)
        let parts = terms.map { $0.parts[tensor] }
        let weights = terms.map(\.weight)
        var readers = parts.map { part -> SparsePlaces.Reader? in
            guard case .sparse(_, _, let places) = part else { return nil }
            return places.reader(from: first)
        }
        // Runs of files that hold weights in the same dtype: their rows are added together.
        let runs = Self.runs(parts)
        var rows = [UnsafeRawPointer?](repeating: nil, count: parts.count)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.block) { sums in
            guard let scratch = sums.baseAddress else { return }
            for begin in stride(from: first, to: first + count, by: Self.block) {
                let range = begin..<min(begin + Self.block, first + count)
                let sum = kept.map { $0 + begin } ?? scratch
                if kept == nil { sum.update(repeating: -0.0, count: range.count) }
                for run in runs {
                    if let dtype = run.dtype {
                        for term in run.terms { rows[term] = Self.row(parts[term], pointers[term], begin, dtype) }
                        rows.withUnsafeBufferPointer { rows in
                            weights.withUnsafeBufferPointer { weights in
                                guard let weights = weights.baseAddress else { return }
                                WeightedSums.add(
                                    UnsafeBufferPointer(rebasing: rows[run.terms]), dtype,
                                    weights + run.terms.lowerBound, to: sum, range.count)
                            }
                        }
                    } else {
                        let term = run.terms.lowerBound
                        Self.add(parts[term], pointers[term], weights[term], range, &readers[term], to: sum)
                    }
                }
                if kept == nil, let bytes = output?.baseAddress {
                    WeightedSums.write(
                        UnsafeBufferPointer(start: sum, count: range.count), as: description.dtype,
                        to: bytes + tensorRange.lowerBound + begin * description.dtype.byteCount)
                }
            }
        }
    }

    /// Terms to take one after the other: several of one dtype, or one of another kind.
    private static func runs(_ parts: [Part]) -> [(terms: Range<Int>, dtype: ElementType?)] {
        var runs: [(terms: Range<Int>, dtype: ElementType?)] = []
        for (number, part) in parts.enumerated() {
            var own: ElementType?
            if case .values(_, let dtype, false) = part { own = dtype }
            if let own, let last = runs.last, last.dtype == own {
                runs[runs.count - 1].terms = last.terms.lowerBound..<(number + 1)
            } else {
                runs.append((number..<(number + 1), own))
            }
        }
        return runs
    }

    /// Where a coordinate of a file that holds weights lies.
    private static func row(
        _ part: Part, _ bytes: UnsafeRawPointer, _ coordinate: Int, _ dtype: ElementType
    ) -> UnsafeRawPointer {
        guard case .values(let offset, _, _) = part else { return bytes }
        return bytes + offset + coordinate * dtype.byteCount
    }

    private static func add(
        _ part: Part, _ bytes: UnsafeRawPointer, _ weight: Double, _ range: Range<Int>,
        _ reader: inout SparsePlaces.Reader?, to sums: UnsafeMutablePointer<Double>
    ) {
        switch part {
        case .absent: return
        case .values(let offset, let dtype, let isDifference):
            let row = bytes + offset + range.lowerBound * dtype.byteCount
            if isDifference {
                WeightedSums.addDifference(row, dtype, weight, to: sums, range.count)
            } else {
                WeightedSums.add(row, dtype, weight, to: sums, range.count)
            }
        case .quantised(let codes, let scales, let run):
            var position = range.lowerBound
            while position < range.upperBound {
                let number = position / run
                let end = min((number + 1) * run, range.upperBound)
                let scale = (bytes + scales).loadUnaligned(fromByteOffset: number * 4, as: Float.self)
                WeightedSums.add(
                    codes: bytes + codes + position, scale: scale, weight, to: sums + (position - range.lowerBound),
                    end - position)
                position = end
            }
        case .sparse(let gaps, let values, _):
            let piece = UnsafeRawBufferPointer(start: bytes + gaps.lowerBound, count: gaps.count)
            reader?.add(piece, bytes + values, weight, in: range, to: sums)
        }
    }
}
