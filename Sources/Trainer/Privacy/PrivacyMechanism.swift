import ECLMCore
import Registry

/// The Gaussian mechanism of a round: each update's difference, all its modules together, is scaled down to a norm, and the
/// sum of them gets noise in proportion to that norm (Abadi et al., 2016; McMahan et al., 2018).
struct PrivacyMechanism: Sendable, Hashable {
    /// Computed norms err by rounding: clipping a little below keeps the real ones within the bound.
    static let margin = 1 - 0x1p-30

    /// The largest norm of an update's difference.
    let clipNorm: Double
    /// The noise's standard deviation on the sum, in units of ``clipNorm``.
    let noiseMultiplier: Double
    /// What epsilon is told for.
    let delta: Double
    /// The epsilon that no device may go beyond.
    let epsilonLimit: Double?

    /// What an update's difference of some norm is multiplied with; 0 where the norm is not finite.
    func scale(forNorm norm: Double) -> Double {
        guard norm.isFinite else { return 0 }
        return norm > clipNorm * Self.margin ? clipNorm * Self.margin / norm : 1
    }

    /// The noise's standard deviation on the mean of so many updates.
    func deviation(updates: Int) -> Double { noiseMultiplier * clipNorm / Double(updates) }

    /// What a round costs each of its devices: the Rényi divergence of order a is a times this.
    var cost: Double { 1 / (2 * noiseMultiplier * noiseMultiplier) }
}

/// The rule of private rounds, which the engine follows for whole updates and not module by module.
struct PrivateMean: AggregationRule {
    private static let plainName = "private_mean"

    /// Whether the selector learns, too.
    var trainsSelector: Bool

    /// `private_mean`, or `private_mean_selector`.
    var name: String { trainsSelector ? Self.plainName + "_selector" : Self.plainName }
    /// Everything but, unless told otherwise, the selector.
    func trains(_ kind: ModuleKind) -> Bool { kind != .selector || trainsSelector }
    /// Clipped over all modules of an update.
    var method: AggregationMethod { .wholeUpdates }

    /// Whether a round with this name in `eclm.rounds.rule` was private.
    static func made(_ rule: String) -> Bool { rule.hasPrefix(plainName) }
}

extension RuleSpecification {
    /// The mechanism of a private rule; `nil` for the others.
    var privacy: PrivacyMechanism? {
        guard kind.isPrivate, let noise = value(Self.noiseMultiplier.name), let norm = value(Self.updateNorm.name),
            let delta = value(Self.delta.name)
        else { return nil }
        return PrivacyMechanism(
            clipNorm: norm, noiseMultiplier: noise, delta: delta, epsilonLimit: value(Self.epsilonLimit.name))
    }
}
