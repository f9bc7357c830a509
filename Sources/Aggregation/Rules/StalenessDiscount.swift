import Foundation

/// Lets updates on older releases weigh less in a weighted mean: (1 + s)^-exponent times what the mean gives them, s
/// releases behind (Nguyen et al., 2022, "FedBuff", with the exponent 1/2).
///
/// The weights sum to 1 again, so a round of equally stale updates is the plain mean: FedBuff itself divides by the number
/// of updates and so moves less.
package struct StalenessDiscount: Sendable, Hashable {
    /// What means take. Rounds name a mean with a discount otherwise than the mean itself.
    package static let parameter = Parameter(
        "staleness", 0...10, standard: 0,
        "an update s releases behind weighs (1 + s)^-staleness as much; 0.5 is FedBuff's")
    /// What names a mean with a discount; the policy's revision has the exponent.
    static let namePrefix = "discounted_"
    static let none = StalenessDiscount(exponent: 0)

    /// Finite and at least 0; 0 for no discount.
    let exponent: Double

    private init(exponent: Double) {
        self.exponent = exponent
    }

    init(_ values: ParameterValues) {
        exponent = values.number(Self.parameter)
    }

    var isNone: Bool { exponent == 0 }

    func recordedName(of mean: String) -> String { isNone ? mean : Self.namePrefix + mean }

    func applied(to weights: [Double], of contributions: [Contribution]) -> [Double] {
        guard !isNone else { return weights }
        // Relative to the freshest update with a weight: however old all are, the discounts do not vanish.
        let freshest = zip(contributions, weights).filter { $0.1 > 0 }.map(\.0.staleness).min() ?? 0
        let discounted = zip(weights, contributions).map { weight, contribution in
            let ratio = (1 + Double(max(contribution.staleness, freshest))) / (1 + Double(freshest))
            return weight * pow(ratio, -exponent)
        }
        return Shares.normalised(discounted) ?? weights
    }
}
