import CAggregation
import ECLMCore

/// The mean of each coordinate's values between two ranks, for many coordinates at once.
///
/// A sorting network (Batcher, 1968) compares the same rows for every coordinate, so that each comparison is a minimum and
/// a maximum of whole vectors; of the network only what leads to the wanted ranks is kept. The result is that of a sort
/// that keeps the order of equal values.
struct SortedMeans: Sendable {
    /// Coordinates that are sorted together.
    private static let lanes = Int(eclm_sorted_lanes)
    /// Coordinates of a job.
    private static let stretch = 1 << 13
    /// From more rows on, sorting column by column has less to do.
    private static let largestNetwork = 512

    private let rows: Int
    private let cut: Int
    /// Rows to compare: the lesser goes to the first.
    private let comparisons: [eclm_comparison]

    /// - Parameter cut: The values to leave out at each end; less than half of the rows.
    init(rows: Int, cut: Int) {
        precondition(cut >= 0 && 2 * cut < rows, "nothing would be left of \(rows) values without \(cut) at each end")
        self.rows = rows
        self.cut = cut
        comparisons = rows <= Self.largestNetwork ? Self.network(rows, leadingTo: cut..<(rows - cut)) : []
    }

    /// Knuth's formulation for any number of rows (TAOCP 5.2.2, algorithm M), pruned from its end.
    private static func network(_ rows: Int, leadingTo ranks: Range<Int>) -> [eclm_comparison] {
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
        return kept.reversed().map { eclm_comparison(low: UInt16($0.0), high: UInt16($0.1)) }
    }

    /// The means of so many coordinates of the rows, which are of one floating-point dtype; over all cores.
    ///
    /// - Parameter output: Gets a stretch's first coordinate and its means, on any core.
    func means(
        of rows: [UnsafeRawPointer?], _ dtype: ElementType, count: Int, on cores: Int,
        _ output: (Int, UnsafeBufferPointer<Double>) -> Void
    ) {
        precondition(rows.count == self.rows, "\(rows.count) rows are not \(self.rows)")
        Parallel.perform((count + Self.stretch - 1) / Self.stretch, on: cores) { job in
            let first = job * Self.stretch
            let length = min(Self.stretch, count - first)
            withUnsafeTemporaryAllocation(of: Double.self, capacity: length) { means in
                guard let start = means.baseAddress else { return }
                let own = rows.map { $0.map { $0 + first * dtype.byteCount } }
                if comparisons.isEmpty && rows.count > 1 {
                    meansByColumn(own, dtype, length, to: start)
                } else {
                    withUnsafeTemporaryAllocation(of: Double.self, capacity: rows.count * Self.lanes) { scratch in
                        own.withUnsafeBufferPointer { own in
                            comparisons.withUnsafeBufferPointer { steps in
                                eclm_sorted_means(
                                    dtype.loops, own.baseAddress, own.count, cut, steps.baseAddress, steps.count,
                                    length, scratch.baseAddress, start)
                            }
                        }
                    }
                }
                output(first, UnsafeBufferPointer(start: start, count: length))
            }
        }
    }

    private func meansByColumn(
        _ rows: [UnsafeRawPointer?], _ dtype: ElementType, _ count: Int, to result: UnsafeMutablePointer<Double>
    ) {
        let size = dtype.byteCount
        withUnsafeTemporaryAllocation(of: Double.self, capacity: rows.count) { column in
            var column = column
            for position in 0..<count {
                for (number, row) in rows.enumerated() {
                    dtype.decode(
                        UnsafeRawBufferPointer(start: row.map { $0 + position * size }, count: size),
                        into: UnsafeMutableBufferPointer(rebasing: column[number..<(number + 1)]))
                }
                // Stable, as Swift's sort is, the order of -0 and 0 is that of the rows.
                column.sort()
                result[position] = column[cut..<(rows.count - cut)].reduce(-0.0, +) / Double(rows.count - 2 * cut)
            }
        }
    }
}
