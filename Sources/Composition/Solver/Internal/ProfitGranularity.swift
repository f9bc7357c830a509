/// Finds the step of which all profits are multiples.
///
/// A device without data of its own asks with equal importances, and counts of samples make small fractions. Then the
/// objective moves in steps, and a relaxation bound less than a step above the incumbent already proves it optimal;
/// without this rule such problems would be enumerated tie by tie.
enum ProfitGranularity {
    /// The finest step worth knowing, as a part of the largest profit.
    private static let finest = 1e-4
    /// How far a multiple may be off, as a part of the largest profit: rounding of the input, never a real difference.
    private static let tolerance = 1e-14

    /// The largest step found, or 0 where the profits have no common one.
    static func step(of profits: some Sequence<Double>) -> Double {
        var largest = 0.0
        for profit in profits { largest = max(largest, abs(profit)) }
        guard largest > 0 else { return 0 }
        var step = 0.0
        for profit in profits where profit != 0 {
            step = commonStep(step, abs(profit), zero: largest * 1e-9)
            guard step >= largest * finest else { return 0 }
        }
        // Euclid's steps have gathered rounding errors; the largest multiple gives the step back to full precision.
        step = largest / (largest / step).rounded()
        for profit in profits {
            let multiple = (profit / step).rounded()
            guard abs(profit - multiple * step) <= largest * tolerance else { return 0 }
        }
        return step
    }

    private static func commonStep(_ first: Double, _ second: Double, zero: Double) -> Double {
        guard first > 0 else { return second }
        var (large, small) = first > second ? (first, second) : (second, first)
        while small > zero {
            // The remainder nearest to zero, so that 0.3 and 0.1 leave 5e-17 and not almost 0.1.
            let rest = abs(large.remainder(dividingBy: small))
            (large, small) = (small, rest)
        }
        return large
    }
}
