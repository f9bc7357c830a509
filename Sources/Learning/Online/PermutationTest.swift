import ECLMCore

/// Rows of numbers, one an example or a block of examples.
struct Rows {
    private(set) var values: [Double]
    let width: Int

    var count: Int { values.count / width }

    init(_ values: [Float], _ width: Int) {
        self.values = values.map(Double.init)
        self.width = width
    }

    private init(_ values: [Double], width: Int) {
        (self.values, self.width) = (values, width)
    }

    /// The means of runs of `block` rows, at most ``DriftDetector/maximumBlocks`` of them; a shorter rest is left out.
    func blocked(_ block: Int) -> Rows {
        let blocks = count / block
        let used = min(blocks, DriftDetector.maximumBlocks)
        var means: [Double] = []
        means.reserveCapacity(used * width)
        for number in 0..<used {
            let first = (number * blocks / used) * block
            for column in 0..<width {
                var sum = 0.0
                for row in first..<(first + block) { sum += values[row * width + column] }
                means.append(sum / Double(block))
            }
        }
        return Rows(means, width: width)
    }
}

/// The squared distance between the means of two groups of rows, and the same after dealing the rows anew.
struct PermutationTest {
    private let values: [Double]
    private let width: Int
    private let total: [Double]
    private let oldCount: Int
    private var order: [Int]

    init(_ old: Rows, _ new: Rows) {
        width = old.width
        values = old.values + new.values
        oldCount = old.count
        order = Array(0..<(old.count + new.count))
        var total = [Double](repeating: 0, count: old.width)
        for (position, value) in values.enumerated() { total[position % old.width] += value }
        self.total = total
    }

    /// The statistic of the deal as it is: before the first ``deal(_:)`` that of the data.
    var statistic: Double {
        var sum = [Double](repeating: 0, count: width)
        for row in order.prefix(oldCount) {
            for column in 0..<width { sum[column] += values[row * width + column] }
        }
        let newCount = order.count - oldCount
        var distance = 0.0
        for column in 0..<width {
            let difference = sum[column] / Double(oldCount) - (total[column] - sum[column]) / Double(newCount)
            distance += difference * difference
        }
        return distance
    }

    /// Deals the rows anew (the first steps of Fisher and Yates' shuffle) and returns the statistic.
    mutating func deal(_ generator: inout SplitMix64) -> Double {
        for position in 0..<oldCount {
            order.swapAt(position, position + generator.below(order.count - position))
        }
        return statistic
    }
}
