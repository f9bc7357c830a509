import ECLMCore

/// What numbers are drawn for: each purpose has its own generator, so that one more draw for one changes no other.
enum SplitPurpose: UInt64 {
    case budgets = 1
    case users, recordings, proxy, validation, testPart, rings, samples, shares, classes, order, drift, limit

    /// The purpose's generator under a seed, for one device or class where there are several.
    func generator(_ seed: UInt64, _ index: Int = 0) -> SplitMix64 {
        SplitMix64(seed: seed, path: rawValue, UInt64(index))
    }
}
