import Foundation

/// What a matrix of mean gates, [sub-task][module], says in two numbers.
struct RoutingStatistics {
    /// How many modules a sub-task uses: the exponential of its gates' entropy, mean over sub-tasks. 1 is a single
    /// module, N all of N alike.
    let modulesPerSubTask: Double
    /// How much of two sub-tasks' gates goes to the same modules: the sum of the smaller of both, mean over pairs. 0 is
    /// nothing, 1 all.
    let overlap: Double

    init(_ gates: [[Double]]) {
        let rows = gates.map { row in
            let sum = row.reduce(0, +)
            return sum > 0 ? row.map { $0 / sum } : row
        }
        let entropies = rows.map { row in -row.reduce(0) { $1 > 0 ? $0 + $1 * log($1) : $0 } }
        modulesPerSubTask = entropies.reduce(0) { $0 + exp($1) } / Double(max(1, rows.count))
        var total = 0.0
        var pairs = 0
        for (index, left) in rows.enumerated() {
            for right in rows[(index + 1)...] {
                total += zip(left, right).reduce(0) { $0 + min($1.0, $1.1) }
                pairs += 1
            }
        }
        overlap = pairs > 0 ? total / Double(pairs) : 1
    }
}
