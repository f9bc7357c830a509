import ECLMCore
import Foundation

/// A weighted mean in which updates on older releases weigh less: (1 + s)^-exponent times what the mean gives them, s
/// releases behind (Nguyen et al., 2022, "FedBuff", with the exponent 1/2).
///
/// The weights sum to 1 again, so a round of equally stale updates is the plain mean: FedBuff itself divides by the number
/// of updates and so moves less.
public struct StalenessDiscount: AggregationRule {
    private let mean: any AggregationRule
    private let weigh: @Sendable ([Contribution], ModuleKind) -> [Double]
    /// 0 for no discount.
    public let exponent: Double

    /// A mean with a discount.
    ///
    /// - Throws: ``TrainerError`` with `invalidPolicy` for a rule that is no weighted sum, and for an exponent that is
    ///   negative or not finite.
    public init(_ mean: any AggregationRule, exponent: Double) throws(TrainerError) {
        guard case .weightedSum(let weigh) = mean.method else {
            throw TrainerError(.invalidPolicy, "rule \(mean.name) has no weights that staleness could lower")
        }
        guard exponent.isFinite, exponent >= 0 else {
            throw TrainerError(
                .invalidPolicy, "the exponent of staleness must be a finite number of at least 0, not be \(exponent)")
        }
        self.mean = mean
        self.weigh = weigh
        self.exponent = exponent
    }

    /// The mean's behind `discounted_`; the policy's revision has the exponent.
    public var name: String { "discounted_" + mean.name }
    /// What the mean trains.
    public func trains(_ kind: ModuleKind) -> Bool { mean.trains(kind) }
    /// What the mean needs.
    public var minimumContributions: Int { mean.minimumContributions }

    /// A weighted sum.
    public var method: AggregationMethod {
        .weightedSum { contributions, kind in
            let weights = weigh(contributions, kind)
            // Relative to the freshest update with a weight: however old all are, the discounts do not vanish.
            let freshest = zip(contributions, weights).filter { $0.1 > 0 }.map(\.0.staleness).min() ?? 0
            let discounted = zip(weights, contributions).map { weight, contribution in
                let ratio = (1 + Double(max(contribution.staleness, freshest))) / (1 + Double(freshest))
                return weight * pow(ratio, -exponent)
            }
            return Shares.normalised(discounted) ?? weights
        }
    }
}
