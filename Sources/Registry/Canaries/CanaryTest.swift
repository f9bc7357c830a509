import Foundation

/// What a canary's test has seen of one arm, in the metric's unit.
public struct CanaryArm: Sendable, Hashable {
    /// Devices counted.
    public internal(set) var observations: Int64 = 0
    public internal(set) var mean = 0.0
    /// The sum of their squared distances from the mean (Welford, 1962).
    var squares = 0.0

    /// The sample's standard deviation; 0 for fewer than two devices.
    public var standardDeviation: Double { observations < 2 ? 0 : (squares / Double(observations - 1)).squareRoot() }

    mutating func add(_ value: Double) {
        observations += 1
        let before = value - mean
        mean += before / Double(observations)
        squares += before * (value - mean)
    }
}

/// Compares a candidate with a control, block by block; its error rates hold however often one looks.
///
/// Two tests by betting (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B
/// 2024) run side by side on the differences D of the blocks' means, candidate less control, scaled to [-1, 1] so that
/// more is better:
///
/// - promotion, against the hypothesis E[D] <= -margin: the wealth of each stake grows by 1 + s (D + margin),
/// - rollback, against the hypothesis E[D] >= 0: by 1 - s D.
///
/// No stake can make a factor negative, and under its hypothesis no factor is above 1 in the mean, given the blocks
/// before. So the mean wealth over all stakes is a non-negative supermartingale that begins at 1, an e-process, and by
/// Ville's inequality (1939) it ever reaches 1/α with probability at most α. Nothing is assumed of the metric but its range,
/// and that devices are assigned independently of their values. Of any true difference at least one hypothesis is false
/// and its e-process grows without bound, so that enough devices always bring a decision. What is kept does not grow with
/// the number of observations.
public struct CanaryTest: Sendable, Hashable {
    /// What the evidence says.
    public enum Verdict: String, Sendable, Hashable {
        /// The candidate is not worse by the margin.
        case promote
        /// The candidate is worse.
        case rollBack
    }

    /// The bets, as shares of the largest stake that cannot lose everything; each begins with an equal part of the wealth.
    /// While differences are small, one of them grows at least 8/9 as fast as the best stake within their range would.
    static let stakes = (0..<8).map { 0.9 / Double(1 << $0) }

    private let range: ClosedRange<Double>
    private let lowerIsBetter: Bool
    private let margin: Double
    private let promoteThreshold: Double
    private let rollbackThreshold: Double
    private let minimumObservations: Int64

    /// Blocks counted.
    public private(set) var blocks: Int64
    /// The devices with the candidate.
    public private(set) var candidate: CanaryArm
    /// The devices with the control.
    public private(set) var control: CanaryArm
    /// Natural logarithms of the wealth of each stake.
    private(set) var promoteWealth: [Double]
    private(set) var rollbackWealth: [Double]

    /// A test before its first block.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` for settings that cannot work.
    public init(_ settings: CanarySettings) throws(RegistryError) {
        try settings.check()
        self.init(
            settings, blocks: 0, candidate: CanaryArm(), control: CanaryArm(), promoteWealth: [], rollbackWealth: [])
    }

    init(
        _ settings: CanarySettings, blocks: Int64, candidate: CanaryArm, control: CanaryArm, promoteWealth: [Double],
        rollbackWealth: [Double]
    ) {
        range = settings.range
        lowerIsBetter = settings.lowerIsBetter
        margin = settings.margin / (settings.range.upperBound - settings.range.lowerBound)
        promoteThreshold = -log(settings.alpha)
        rollbackThreshold = -log(settings.beta)
        minimumObservations = Int64(settings.minimumObservations)
        self.blocks = blocks
        self.candidate = candidate
        self.control = control
        let start = [Double](repeating: 0, count: Self.stakes.count)
        self.promoteWealth = promoteWealth.isEmpty ? start : promoteWealth
        self.rollbackWealth = rollbackWealth.isEmpty ? start : rollbackWealth
    }

    /// Counts one block: devices that reported in about the same time.
    ///
    /// - Parameters:
    ///   - given: What devices with the candidate reported, one value each; at least one.
    ///   - kept: What devices with the control reported; at least one.
    public mutating func add(candidate given: [Double], control kept: [Double]) {
        precondition(!given.isEmpty && !kept.isEmpty, "a block compares at least one device of each arm")
        func clipped(_ values: [Double]) -> [Double] {
            values.map { min(max($0, range.lowerBound), range.upperBound) }
        }
        let (given, kept) = (clipped(given), clipped(kept))
        for value in given { candidate.add(value) }
        for value in kept { control.add(value) }
        let width = range.upperBound - range.lowerBound
        func mean(_ values: [Double]) -> Double {
            values.reduce(0) { $0 + ($1 - range.lowerBound) / width } / Double(values.count)
        }
        let raw = mean(given) - mean(kept)
        // Rounding must not lead out of the range for which the stakes are safe.
        let difference = min(max(lowerIsBetter ? -raw : raw, -1), 1)
        for (index, stake) in Self.stakes.enumerated() {
            promoteWealth[index] += log1p(stake / (1 - margin) * (difference + margin))
            rollbackWealth[index] += log1p(-stake * difference)
        }
        blocks += 1
    }

    /// The natural logarithm of the e-value for promotion, and what it must reach.
    public var promotion: (logEValue: Double, needed: Double) {
        (Self.logMeanExp(promoteWealth), promoteThreshold)
    }

    /// The natural logarithm of the e-value for rollback, and what it must reach.
    public var rollback: (logEValue: Double, needed: Double) {
        (Self.logMeanExp(rollbackWealth), rollbackThreshold)
    }

    /// By how much the candidate is better, in the metric's unit; negative where it is worse.
    public var improvement: Double {
        lowerIsBetter ? control.mean - candidate.mean : candidate.mean - control.mean
    }

    /// The decision; `nil` while there is too little evidence. Where both hypotheses fell at once, the careful one.
    public var verdict: Verdict? {
        guard min(candidate.observations, control.observations) >= minimumObservations else { return nil }
        if rollback.logEValue >= rollback.needed { return .rollBack }
        return promotion.logEValue >= promotion.needed ? .promote : nil
    }

    private static func logMeanExp(_ logarithms: [Double]) -> Double {
        let top = logarithms.max() ?? 0
        return top + log(logarithms.reduce(0) { $0 + exp($1 - top) } / Double(max(logarithms.count, 1)))
    }
}
