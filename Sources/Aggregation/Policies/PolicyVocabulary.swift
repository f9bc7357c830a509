/// The methods that policies may name. A program that has methods of its own adds them and hands the vocabulary to what
/// checks policies and follows them.
///
///     var vocabulary = PolicyVocabulary.standard
///     vocabulary.rules.append(OurRule.self)
public struct PolicyVocabulary: Sendable {
    /// The aggregation rules. The first is the rule of the paper, which counts where nobody says otherwise.
    public var rules: [any AggregationRule.Type]
    /// The server optimizers, besides `none`.
    public var optimizers: [any ServerOptimizer.Type]

    public init(rules: [any AggregationRule.Type], optimizers: [any ServerOptimizer.Type]) {
        self.rules = rules
        self.optimizers = optimizers
    }

    /// Every method of this package. To add one, write its file and name it here.
    public static let standard = PolicyVocabulary(
        rules: [
            ImportanceWeightedMean.self, SampleWeightedMean.self, CoordinateMedian.self, TrimmedMean.self, Krum.self,
            MultiKrum.self, GeometricMedian.self, PrivateMean.self,
        ],
        optimizers: [FedAvgM.self, FedAdam.self, FedYogi.self])

    /// The names of the rules that keep devices private.
    public var privateRules: [String] { rules.filter { $0.isPrivate }.map { $0.definition.name } }

    /// The rule of that name.
    ///
    /// - Throws: ``AggregationError`` with `unknownMethod`, naming those there are.
    public func rule(named name: String) throws(AggregationError) -> any AggregationRule.Type {
        guard let rule = rules.first(where: { $0.definition.name == name }) else {
            throw AggregationError(
                .unknownMethod,
                "there is no rule \(name.debugDescription); there are "
                    + rules.map { $0.definition.name }.joined(separator: ", "))
        }
        return rule
    }
}
