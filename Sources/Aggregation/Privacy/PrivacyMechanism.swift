/// The Gaussian mechanism of a round: each update's difference, all its modules together, is scaled down to a norm, and the
/// sum of them gets noise in proportion to that norm (Abadi et al., 2016; McMahan et al., 2018).
public struct PrivacyMechanism: Sendable, Hashable {
    /// Computed norms err by rounding: clipping a little below keeps the real ones within the bound.
    static let margin = 1 - 0x1p-30

    /// The largest norm of an update's difference.
    public let clipNorm: Double
    /// The noise's standard deviation on the sum, in units of ``clipNorm``.
    public let noiseMultiplier: Double
    /// What epsilon is told for.
    public let delta: Double
    /// The epsilon that no device may go beyond.
    public let epsilonLimit: Double?

    public init(clipNorm: Double, noiseMultiplier: Double, delta: Double, epsilonLimit: Double?) {
        self.clipNorm = clipNorm
        self.noiseMultiplier = noiseMultiplier
        self.delta = delta
        self.epsilonLimit = epsilonLimit
    }

    /// What an update's difference of some norm is multiplied with; 0 where the norm is not finite.
    package func scale(forNorm norm: Double) -> Double {
        guard norm.isFinite else { return 0 }
        return norm > clipNorm * Self.margin ? clipNorm * Self.margin / norm : 1
    }

    /// The noise's standard deviation on the mean of so many updates.
    package func deviation(updates: Int) -> Double { noiseMultiplier * clipNorm / Double(updates) }

    /// What a round costs each of its devices: the Rényi divergence of order a is a times this.
    public var cost: Double { 1 / (2 * noiseMultiplier * noiseMultiplier) }
}
