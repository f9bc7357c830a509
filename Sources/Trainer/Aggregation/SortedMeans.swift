/// The mean of each coordinate's values between two ranks, for many coordinates at once.
///
/// A sorting network (Batcher, 1968) compares the same rows for every coordinate, so that each comparison is a minimum and
/// a maximum of whole vectors; of the network only what leads to the wanted ranks is kept. Values of equal rank are
/// equal numbers, so the result is that of any sort, except that it may take 0 for -0 where both are among the values.
struct SortedMeans: Sendable {
    /// Coordinates that are sorted together: of a hundred updates they stay in the second-level cache.
    private static let lanes = 64
    /// From more rows on, sorting column by column has less to do.
    private static let largestNetwork = 512

    private let rows: Int
    private let cut: Int
    /// Rows to compare: the lesser goes to the first.
    private let comparisons: [(Int, Int)]

    /// - Parameter cut: The values to leave out at each end; less than half of the rows.
    init(rows: Int, cut: Int) {
        precondition(cut >= 0 && 2 * cut < rows, "nothing would be left of \(rows) values without \(cut) at each end")
        self.rows = rows
        self.cut = cut
        comparisons = rows <= Self.largestNetwork ? Self.network(rows, leadingTo: cut..<(rows - cut)) : []
    }

    /// Knuth's formulation for any number of rows (TAOCP 5.2.2, algorithm M), pruned from its end.
    private static func network(_ rows: Int, leadingTo ranks: Range<Int>) -> [(Int, Int)] {
        guard rows > 1 else { return [] }
        var all: [(Int, Int)] = []
        var top = 1
        while top * 2 < rows { top *= 2 }
        var step = top
        while step > 0 {
            var (span, rest, distance) = (top, 0, step)
            while true {
                for row in 0..<max(rows - distance, 0) where row & step == rest { all.append((row, row + distance)) }
                guard span != step else { break }
                distance = span - step
                span /= 2
                rest = step
            }
            step /= 2
        }
        var wanted = (0..<rows).map { ranks.contains($0) }
        var kept: [(Int, Int)] = []
        for (first, second) in all.reversed() where wanted[first] || wanted[second] {
            wanted[first] = true
            wanted[second] = true
            kept.append((first, second))
        }
        return kept.reversed()
    }

    /// The means of `values`, whose rows are `length` apart; over all cores.
    func means(_ values: UnsafePointer<Double>, length: Int, on cores: Int) -> [Double] {
        [Double](unsafeUninitializedCapacity: length) { buffer, count in
            if let result = buffer.baseAddress {
                // Jobs of several vectors: taking one is a step on a counter that all cores share.
                let stretch = Self.lanes * 8
                Parallel.perform((length + stretch - 1) / stretch, on: cores) { job in
                    for first in stride(from: job * stretch, to: min((job + 1) * stretch, length), by: Self.lanes) {
                        means(values + first, length, min(Self.lanes, length - first), to: result + first)
                    }
                }
            }
            count = length
        }
    }

    private func means(
        _ values: UnsafePointer<Double>, _ length: Int, _ width: Int, to result: UnsafeMutablePointer<Double>
    ) {
        let lanes = Self.lanes
        if comparisons.isEmpty && rows > 1 { return meansByColumn(values, length, width, to: result) }
        withUnsafeTemporaryAllocation(of: Double.self, capacity: rows * lanes) { scratch in
            guard let sorted = scratch.baseAddress else { return }
            for row in 0..<rows {
                (sorted + row * lanes).update(from: values + row * length, count: width)
                // Lanes beyond the end are sorted as well, and never read.
                if width < lanes { (sorted + row * lanes + width).update(repeating: 0, count: lanes - width) }
            }
            for (first, second) in comparisons {
                Self.compare(sorted + first * lanes, sorted + second * lanes)
            }
            result.update(repeating: -0.0, count: width)
            for row in cut..<(rows - cut) {
                let values = sorted + row * lanes
                for lane in 0..<width { result[lane] += values[lane] }
            }
            let divisor = Double(rows - 2 * cut)
            for lane in 0..<width { result[lane] /= divisor }
        }
    }

    @inline(__always)
    private static func compare(_ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>) {
        var lane = 0
        while lane < lanes {
            let (left, right) = (first[lane], second[lane])
            first[lane] = left < right ? left : right
            second[lane] = left < right ? right : left
            lane &+= 1
        }
    }

    private func meansByColumn(
        _ values: UnsafePointer<Double>, _ length: Int, _ width: Int, to result: UnsafeMutablePointer<Double>
    ) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: rows) { column in
            var column = column
            for lane in 0..<width {
                for row in 0..<rows { column[row] = values[row * length + lane] }
                column.sort()
                result[lane] = column[cut..<(rows - cut)].reduce(-0.0, +) / Double(rows - 2 * cut)
            }
        }
    }
}
