import Foundation

/// What a canary compares, and when it decides.
public struct CanarySettings: Sendable, Hashable {
    /// The channel whose devices take part.
    public var channel: String
    /// The number of the release on trial.
    public var candidate: Int
    /// The share of the devices that get the candidate, above 0 and below 1.
    public var share: Double
    /// The metric that devices report, by name.
    public var metric: String
    /// Whether a smaller value is the better one, as for a loss.
    public var lowerIsBetter: Bool
    /// The metric's range; what lies outside counts as its end. The tighter, the sooner a decision.
    public var range: ClosedRange<Double>
    /// By how much worse a candidate must not be, in the metric's unit.
    public var margin: Double
    /// The most probable it may be to promote a candidate that is worse by the margin or more.
    public var alpha: Double
    /// The most probable it may be to roll back a candidate that is as good as the control or better.
    public var beta: Double
    /// Devices of each arm to be counted before a decision.
    public var minimumObservations: Int
    /// Seconds from the start until the canary ends without a decision, 1 to a year.
    public var patience: Double

    public init(
        channel: String = "stable", candidate: Int, share: Double = 0.1, metric: String, lowerIsBetter: Bool = false,
        range: ClosedRange<Double> = 0...1, margin: Double, alpha: Double = 0.01, beta: Double = 0.01,
        minimumObservations: Int = 20, patience: Double = 604_800
    ) {
        self.channel = channel
        self.candidate = candidate
        self.share = share
        self.metric = metric
        self.lowerIsBetter = lowerIsBetter
        self.range = range
        self.margin = margin
        self.alpha = alpha
        self.beta = beta
        self.minimumObservations = minimumObservations
        self.patience = patience
    }

    /// How many devices of each arm one block of the comparison takes: one of the rarer arm, and of the other as many as
    /// report meanwhile, at most 16.
    var block: (candidate: Int, control: Int) {
        func others(_ ratio: Double) -> Int { max(1, min(16, Int((ratio + 1e-9).rounded(.down)))) }
        return share <= 0.5 ? (1, others((1 - share) / share)) : (others(share / (1 - share)), 1)
    }

    /// Refuses values that make no sense.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` naming the value.
    public func check() throws(RegistryError) {
        func require(_ condition: Bool, _ message: String) throws(RegistryError) {
            guard condition else { throw RegistryError(.invalidArgument, message) }
        }
        try require(share > 0 && share < 1, "the share must lie between 0 and 1, not be \(share)")
        try require((1...64).contains(metric.utf8.count), "a metric's name has 1 to 64 bytes")
        try require(
            range.lowerBound.isFinite && range.upperBound.isFinite && (range.upperBound - range.lowerBound).isFinite
                && range.lowerBound < range.upperBound,
            "the metric's range must have two finite ends, the lower one first, not be "
                + "\(range.lowerBound) to \(range.upperBound)")
        try require(
            margin > 0 && margin < range.upperBound - range.lowerBound,
            "the margin must be above 0 and smaller than the metric's range, not \(margin)")
        for (name, value) in [("alpha", alpha), ("beta", beta)] {
            try require((1e-9...0.5).contains(value), "\(name) must lie in 1e-9...0.5, not be \(value)")
        }
        try require(
            (1...100_000_000).contains(minimumObservations),
            "the minimum of observations must lie in 1...100000000, not be \(minimumObservations)")
        try require(
            (1...31_536_000).contains(patience),
            "the deadline must lie 1 s to 365 days ahead, not \(patience) s")
    }
}
