/// A server optimizer with its parameters, checked: what a training policy stores and a round follows.
public struct OptimizerSpecification: Sendable, Hashable {
    /// What a policy says where the version is the aggregate.
    public static let noneDefinition = MethodDefinition("none", "the version is the aggregate (federated averaging)")

    /// The optimizer; `nil` where the version is the aggregate.
    public let optimizer: (any ServerOptimizer)?
    /// The optimizer's parameters.
    public let values: ParameterValues

    /// The aggregate itself, which counts where nobody says otherwise.
    public static let none = OptimizerSpecification()

    private init() {
        optimizer = nil
        values = ParameterValues(nothingOf: [])
    }

    /// An optimizer by name.
    ///
    /// - Throws: ``AggregationError`` with `unknownMethod` for an optimizer nobody knows, and with `invalidPolicy` for a
    ///   parameter nobody knows and for a value outside its range.
    public init(
        _ name: String, _ parameters: [String: Double] = [:], in vocabulary: PolicyVocabulary = .standard
    ) throws(AggregationError) {
        let type = try vocabulary.optimizer(named: name)
        values = try ParameterValues(
            parameters, against: (type?.definition ?? Self.noneDefinition).parameters, of: "optimizer \(name)")
        optimizer = type?.init(values)
    }

    /// What the policy gives, by name: known names alone, in their ranges.
    public var parameters: [String: Double] { values.given }
    /// What a policy may say of the optimizer.
    public var definition: MethodDefinition { optimizer.map { type(of: $0).definition } ?? Self.noneDefinition }

    public static func == (left: OptimizerSpecification, right: OptimizerSpecification) -> Bool {
        left.definition == right.definition && left.parameters == right.parameters
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(definition.name)
        hasher.combine(parameters)
    }
}

extension PolicyVocabulary {
    /// Every optimizer, `none` first.
    public var optimizerDefinitions: [MethodDefinition] {
        [OptimizerSpecification.noneDefinition] + optimizers.map { $0.definition }
    }

    /// The optimizer of that name; `nil` for `none`.
    ///
    /// - Throws: ``AggregationError`` with `unknownMethod`, naming those there are.
    public func optimizer(named name: String) throws(AggregationError) -> (any ServerOptimizer.Type)? {
        if name == OptimizerSpecification.noneDefinition.name { return nil }
        guard let optimizer = optimizers.first(where: { $0.definition.name == name }) else {
            throw AggregationError(
                .unknownMethod,
                "there is no optimizer \(name.debugDescription); there are "
                    + optimizerDefinitions.map(\.name).joined(separator: ", "))
        }
        return optimizer
    }
}
