import ECLMCore

/// Tells whether a device's data is no longer what it was at the last adaptation, by permutation tests.
///
/// Three signals are compared, each where both observations have it:
/// - `scores`: the squared Euclidean distance between the mean gates, over all modules of all layers. The selector alone
///   gives them; it sees changes of the inputs.
/// - `loss`: the difference between the mean losses. It sees changes of what inputs mean.
/// - `confidence`: the difference between the mean confidences. It needs no labels.
///
/// Under the hypothesis that old and new examples come from the same source, which are old and which new is a matter of
/// chance: examples are dealt anew ``permutations`` times, and p is the part of the deals (the real one included) with a
/// statistic at least as large as the real one. Such a p is at most a with probability at most a, whatever the data's
/// distribution. Drift is told when the p of one of the m signals is at most ``falseAlarmRate`` / m (Bonferroni), so that
/// a check of unchanged data alarms with probability at most ``falseAlarmRate``; k checks with at most k times that.
///
/// Neighbouring windows of one recording are alike, which makes single examples no fair lots: with ``block`` b, runs of b
/// examples in the order of the data are dealt together.
public struct DriftDetector: Sendable, Hashable, Codable {
    /// The probability, at most, that a check of unchanged data alarms; in 0.0001...0.5.
    public var falseAlarmRate: Double
    /// How often examples are dealt anew, 99 to 100,000.
    public var permutations: Int
    /// Examples that are dealt together, at least 1.
    public var block: Int

    /// Blocks of an observation that are used at most; more are thinned out evenly.
    static var maximumBlocks: Int { 512 }

    public init(falseAlarmRate: Double = 0.01, permutations: Int = 1999, block: Int = 1) {
        self.falseAlarmRate = falseAlarmRate
        self.permutations = permutations
        self.block = block
    }

    /// What is compared.
    public enum Signal: String, Sendable, Hashable, Codable, CaseIterable {
        /// Mean selector gates.
        case scores
        /// Mean loss.
        case loss
        /// Mean confidence.
        case confidence
    }

    /// One signal's test.
    public struct Test: Sendable, Hashable, Codable {
        /// What was compared.
        public var signal: Signal
        /// How far old and new are apart.
        public var statistic: Double
        /// What the statistic must exceed for an alarm, by the permutations.
        public var threshold: Double
        /// The part of deals at least as far apart.
        public var p: Double
    }

    /// A check's outcome.
    public struct Verdict: Sendable, Hashable, Codable {
        /// Whether the data changed.
        public var isDrift: Bool
        /// The tests, in the order of ``DriftDetector/Signal``.
        public var tests: [Test]
    }

    /// Compares new examples with those of the last adaptation.
    ///
    /// - Throws: ``LearningError``: `data` when there are fewer than two blocks on one side, or the observations are of
    ///   different selectors; `specification` for settings that make no test, such as too few permutations for the rate.
    public func check(
        _ current: DriftObservation, against reference: DriftObservation, seed: UInt64
    ) throws -> Verdict {
        guard current.scores.layers == reference.scores.layers else {
            throw LearningError(
                .data,
                "the observations are of different models: layers of \(reference.scores.layers) and "
                    + "\(current.scores.layers) modules; adapt first")
        }
        var pairs: [(Signal, Rows, Rows)] = [
            (
                .scores, Rows(reference.scores.gates, reference.scores.width),
                Rows(current.scores.gates, current.scores.width)
            )
        ]
        if !reference.losses.isEmpty, !current.losses.isEmpty {
            pairs.append((.loss, Rows(reference.losses, 1), Rows(current.losses, 1)))
        }
        if !reference.confidences.isEmpty, !current.confidences.isEmpty {
            pairs.append((.confidence, Rows(reference.confidences, 1), Rows(current.confidences, 1)))
        }
        let rate = falseAlarmRate / Double(pairs.count)
        try checkSettings(rate)
        var generator = SplitMix64(seed: seed)
        let tests = try pairs.map { signal, old, new in
            try test(signal, old.blocked(block), new.blocked(block), rate, &generator)
        }
        return Verdict(isDrift: tests.contains { $0.p <= rate }, tests: tests)
    }

    private func checkSettings(_ rate: Double) throws {
        guard (0.0001...0.5).contains(falseAlarmRate), (99...100_000).contains(permutations), block >= 1 else {
            throw LearningError(
                .specification,
                "a drift detector takes a false alarm rate from 0.0001 to 0.5, 99 to 100000 permutations and blocks of at "
                    + "least 1 example")
        }
        guard 1 / Double(permutations + 1) <= rate else {
            throw LearningError(
                .specification,
                "\(permutations) permutations cannot show a rate of \(falseAlarmRate); use at least "
                    + "\(Int((1 / rate).rounded(.up)))")
        }
    }

    private func test(
        _ signal: Signal, _ old: Rows, _ new: Rows, _ rate: Double, _ generator: inout SplitMix64
    ) throws -> Test {
        guard old.count >= 2, new.count >= 2 else {
            throw LearningError(
                .data,
                "\(old.count) old and \(new.count) new blocks of \(block) examples are too few to compare; collect more"
            )
        }
        var permutation = PermutationTest(old, new)
        let observed = permutation.statistic
        // Equal deals may differ by rounding.
        let tolerance = observed * 1e-9
        var deals: [Double] = []
        deals.reserveCapacity(permutations)
        for _ in 0..<permutations { deals.append(permutation.deal(&generator)) }
        let asFar = deals.count { $0 >= observed - tolerance }
        deals.sort(by: >)
        let allowed = Int((rate * Double(permutations + 1)).rounded(.down)) - 1
        return Test(
            signal: signal, statistic: observed, threshold: deals[min(max(0, allowed), deals.count - 1)],
            p: Double(asFar + 1) / Double(permutations + 1))
    }
}
