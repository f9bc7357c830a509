import ECLMCore

/// Reads the same coordinates of many module files at once, block by block: as much of each file as fits the memory.
struct CoordinateBlocks {
    /// Blocks begin at multiples of this within a tensor, whatever the memory: sums over groups of as many coordinates do
    /// not depend on where a block ends.
    static let group = 64
    /// Coordinates of many rows that are compared in pairs while they are in the cache: whole groups.
    static let piece = 16 * group
    /// What is read at once of a difference, at the least: a block's part of it may be a few bytes.
    private static let stretch = 1 << 14

    private let blobs: any BlobSource
    private let header: SafetensorsHeader
    /// Files that hold the weights themselves, with the rows they fill: the base's is row 0, and others are those of
    /// `full` updates and of the older versions that differences are told to.
    private var plain: [Plain] = []
    /// Differences, with their rows: they are added to what the row holds.
    private var differences: [(row: Int, cursor: DifferenceCursor)] = []
    private let rows: Int
    /// Coordinates of a block.
    let blockLength: Int
    private let cores: Int
    /// Bytes of values that stay in a core's cache: what is in memory is read in smaller blocks.
    private static let cacheMemory = 8 << 20

    private struct Plain {
        var file: ModuleFile
        var rows: [Int]
        /// Where each tensor of the base begins.
        var offsets: [Int]
        /// The version it is; `nil` for an update.
        var version: AggregationBase?
    }

    /// Reads the headers of all files.
    ///
    /// - Parameters:
    ///   - header: The base's.
    ///   - memory: Bytes that the values of a block may take; a block has at least ``group`` coordinates.
    init(
        of updates: [UpdateFile], onto base: AggregationBase, header: SafetensorsHeader, blobs: any BlobSource,
        memory: Int, cores: Int
    ) async throws {
        self.blobs = blobs
        self.header = header
        self.cores = cores
        rows = updates.count + 1
        plain = [
            Plain(file: base.file, rows: [0], offsets: header.entries.map(\.byteRange.lowerBound), version: base)
        ]
        for (number, update) in updates.enumerated() {
            guard update.encoding.isDifference, let own = update.base else {
                let (_, found) = try await update.file.header(in: blobs)
                try TensorMatch.check(found.tensors, against: base.tensors, owner: base.module)
                plain.append(
                    Plain(file: update.file, rows: [number + 1], offsets: Self.offsets(header, in: found)))
                continue
            }
            if let place = plain.firstIndex(where: { $0.version != nil && $0.file.digest == own.file.digest }) {
                plain[place].rows.append(number + 1)
            } else {
                let (_, found) = try await own.header(in: blobs)
                try TensorMatch.check(found.tensors, against: base.tensors, owner: base.module)
                plain.append(
                    Plain(file: own.file, rows: [number + 1], offsets: Self.offsets(header, in: found), version: own))
            }
            differences.append(
                (
                    number + 1,
                    try await DifferenceCursor(
                        update, tensors: base.tensors, owner: base.module, in: blobs, stretch: Self.stretch)
                ))
        }
        let memory = blobs is MemoryBlobs ? min(memory, Self.cacheMemory) : memory
        // A block is read from one file at once: not more than a few MiB.
        let length = min(memory / (rows * MemoryLayout<Double>.size), 1 << 19)
        blockLength = max(length / Self.group, 1) * Self.group
    }

    private static func offsets(_ header: SafetensorsHeader, in found: SafetensorsHeader) -> [Int] {
        header.entries.map { found[$0.description.name]?.byteRange.lowerBound ?? 0 }
    }

    /// Calls `body` with one block of a floating-point tensor after the other.
    ///
    /// - Parameter body: Gets a row of values for each file, the base's first and the updates' in their order; it may
    ///   change them.
    mutating func forEachBlock(of tensor: Int, _ body: (inout Block) -> Void) async throws {
        let description = header.entries[tensor].description
        let total = description.elementCount ?? 0
        let size = description.dtype.byteCount
        var first = 0
        var block = Block(rows: rows, length: min(blockLength, total))
        while first < total {
            let length = min(blockLength, total - first)
            block.length = length
            if let memory = blobs as? MemoryBlobs {
                let files = try plain.map {
                    (try memory.contents(of: $0.file), $0.offsets[tensor] + first * size, $0.rows)
                }
                block.fill(from: files, description.dtype, on: cores)
            } else {
                for file in plain {
                    let start = Int64(file.offsets[tensor] + first * size)
                    let bytes: [UInt8]
                    do {
                        bytes = try await blobs.bytes(of: file.file.digest, in: start..<(start + Int64(length * size)))
                    } catch {
                        throw file.version?.unfit(error) ?? error
                    }
                    for row in file.rows { block.fill(row, from: bytes, description.dtype) }
                }
            }
            for number in differences.indices {
                block.add(
                    try await differences[number].cursor.read(description, from: first, count: length),
                    to: differences[number].row)
            }
            body(&block)
            first += length
        }
    }

    /// The numbers of the floating-point tensors.
    var tensors: [Int] {
        header.entries.indices.filter { header.entries[$0].description.dtype.isFloatingPoint }
    }

    /// Values of some coordinates, a row for each file.
    struct Block {
        let rows: Int
        /// Less than there is room for in the last block.
        fileprivate(set) var length: Int
        private(set) var values: [Double]

        init(rows: Int, length: Int) {
            self.rows = rows
            self.length = length
            values = [Double](repeating: 0, count: rows * length)
        }

        fileprivate mutating func fill(_ row: Int, from bytes: [UInt8], _ dtype: ElementType) {
            bytes.withUnsafeBytes { bytes in
                values.withUnsafeMutableBufferPointer { values in
                    dtype.decode(
                        bytes,
                        into: UnsafeMutableBufferPointer(rebasing: values[(row * length)..<((row + 1) * length)]))
                }
            }
        }

        /// Fills rows from whole files in memory, each from a place on.
        fileprivate mutating func fill(
            from files: [(bytes: [UInt8], start: Int, rows: [Int])], _ dtype: ElementType, on cores: Int
        ) {
            let length = length
            values.withUnsafeMutableBufferPointer { values in
                guard let values = values.baseAddress else { return }
                Parallel.perform(files.count, on: cores) { number in
                    let file = files[number]
                    file.bytes.withUnsafeBytes { bytes in
                        let piece = bytes[file.start..<(file.start + length * dtype.byteCount)]
                        for row in file.rows {
                            dtype.decode(
                                UnsafeRawBufferPointer(rebasing: piece),
                                into: UnsafeMutableBufferPointer(start: values + row * length, count: length))
                        }
                    }
                }
            }
        }

        /// Adds differences to a row.
        fileprivate mutating func add(_ differences: [Double], to row: Int) {
            values.withUnsafeMutableBufferPointer { values in
                differences.withUnsafeBufferPointer { differences in
                    for position in 0..<length { values[row * length + position] += differences[position] }
                }
            }
        }

        /// Moves a row toward the base's: base + scale · (row - base).
        mutating func pull(_ row: Int, by scale: Double) {
            guard scale < 1 else { return }
            for position in 0..<length {
                let base = values[position]
                // A scale of 0 stands for a difference without a finite norm.
                values[row * length + position] =
                    scale == 0 ? base : base + scale * (values[row * length + position] - base)
            }
        }

        /// Adds the squared differences of pairs of rows to the pairs' sums: group by group, so that they depend on nothing
        /// but the values. Pairs are shared out among the cores.
        func addSquares(_ pairs: [(Int, Int)], to sums: inout [Double], on cores: Int) {
            precondition(pairs.count == sums.count, "\(sums.count) sums are not one for each of \(pairs.count) pairs")
            // Several jobs for each core, and each goes through its pairs while a piece of the rows is in the cache.
            let share = max(1, pairs.count / (cores * 4))
            values.withUnsafeBufferPointer { values in
                sums.withUnsafeMutableBufferPointer { sums in
                    guard let values = values.baseAddress, let sums = sums.baseAddress else { return }
                    Parallel.perform((pairs.count + share - 1) / share, on: cores) { job in
                        let mine = (job * share)..<min((job + 1) * share, pairs.count)
                        for first in stride(from: 0, to: length, by: CoordinateBlocks.piece) {
                            let count = min(CoordinateBlocks.piece, length - first)
                            for pair in mine {
                                sums[pair] = SquaredDifferences.add(
                                    values + pairs[pair].0 * length + first, values + pairs[pair].1 * length + first,
                                    count, to: sums[pair])
                            }
                        }
                    }
                }
            }
        }

        /// The means of the updates' values between two ranks, coordinate by coordinate.
        func means(_ means: SortedMeans, on cores: Int) -> [Double] {
            [Double](unsafeUninitializedCapacity: length) { result, count in
                values.withUnsafeBytes { values in
                    guard let start = values.baseAddress, let result = result.baseAddress else { return }
                    let rows = (1..<rows).map { Optional(start + $0 * length * MemoryLayout<Double>.stride) }
                    // Safe to share: stretches do not overlap.
                    nonisolated(unsafe) let target = result
                    means.means(of: rows, .f64, count: length, on: cores) { first, means in
                        if let values = means.baseAddress {
                            (target + first).update(from: values, count: means.count)
                        }
                    }
                }
                count = length
            }
        }

        /// A function of the updates' values, coordinate by coordinate.
        func combined(_ combine: (UnsafeMutableBufferPointer<Double>) -> Double) -> [Double] {
            withUnsafeTemporaryAllocation(of: Double.self, capacity: rows - 1) { column in
                (0..<length).map { position in
                    for row in 1..<rows { column[row - 1] = values[row * length + position] }
                    return combine(column)
                }
            }
        }
    }
}
