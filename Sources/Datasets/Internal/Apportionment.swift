import ECLMCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whole numbers in given proportions.
enum Apportionment {
    /// Parts of `total` in proportion to `weights`, rounded by the largest remainder; earlier ones first where equal.
    static func largestRemainder(_ total: Int, by weights: [Double]) -> [Int] {
        let sum = weights.reduce(0, +)
        guard sum > 0, total > 0 else { return weights.map { _ in 0 } }
        let exact = weights.map { Double(total) * $0 / sum }
        var parts = exact.map { Int($0) }
        let byRemainder = exact.indices.sorted { first, second in
            let (one, other) = (exact[first] - Double(parts[first]), exact[second] - Double(parts[second]))
            return one == other ? first < second : one > other
        }
        for index in byRemainder.prefix(total - parts.reduce(0, +)) { parts[index] += 1 }
        return parts
    }

    /// Weights from a symmetric Dirichlet distribution.
    static func dirichlet(_ concentration: Double, count: Int, using generator: inout SplitMix64) -> [Double] {
        let weights = (0..<count).map { _ in gamma(concentration, using: &generator) }
        guard weights.reduce(0, +) > 0 else {
            // All underflowed, at a concentration near 0: there one class has everything.
            let only = generator.below(count)
            return (0..<count).map { $0 == only ? 1 : 0 }
        }
        return weights
    }

    /// A number of the gamma distribution with this shape (Marsaglia and Tsang 2000).
    private static func gamma(_ shape: Double, using generator: inout SplitMix64) -> Double {
        if shape < 1 { return gamma(shape + 1, using: &generator) * pow(1 - generator.uniform(), 1 / shape) }
        let offset = shape - 1.0 / 3
        let scale = 1 / (9 * offset).squareRoot()
        while true {
            let normal = generator.normal()
            let root = 1 + scale * normal
            guard root > 0 else { continue }
            let cube = root * root * root
            if log(1 - generator.uniform()) < normal * normal / 2 + offset * (1 - cube + log(cube)) {
                return offset * cube
            }
        }
    }
}
