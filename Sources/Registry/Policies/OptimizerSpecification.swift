/// A server optimizer by name with its parameters, checked: what a training policy stores and the trainer makes an
/// optimizer of.
public struct OptimizerSpecification: Sendable, Hashable {
    /// An optimizer that policies may name.
    public struct Kind: Sendable, Hashable {
        /// Its name in `eclm.policies.optimizer`.
        public let name: String
        /// What it takes.
        public let parameters: [RuleSpecification.Parameter]
        /// What it does.
        public let summary: String

        fileprivate init(_ name: String, _ summary: String, _ parameters: [RuleSpecification.Parameter] = []) {
            self.name = name
            self.parameters = parameters
            self.summary = summary
        }
    }

    private static func learningRate(_ standard: Double) -> RuleSpecification.Parameter {
        .init("learning_rate", 1e-12...1e6, standard: standard, "the length of a step")
    }

    private static let adaptive: [RuleSpecification.Parameter] = [
        learningRate(0.01),
        .init("beta1", 0...0.999999, standard: 0.9, "how much of the mean of the changes a round keeps"),
        .init("beta2", 0...0.999999, standard: 0.99, "how much of the mean of their squares a round keeps"),
        .init("tau", 1e-12...1e6, standard: 1e-3, "bounds how large the step of a weight becomes that hardly changes"),
    ]

    /// Every optimizer, by name in ``Kind/name``.
    public static let kinds: [Kind] = [
        Kind("none", "the version is the aggregate (federated averaging)"),
        Kind(
            "fedavgm", "the changes of earlier rounds go on (federated averaging with server momentum)",
            [
                learningRate(1),
                .init("momentum", 0...0.999999, standard: 0.9, "how much of the last step the next one has"),
            ]),
        Kind("fedadam", "steps of each weight scaled by how much it changed so far, as Adam does", adaptive),
        Kind("fedyogi", "as fedadam, with a scale that falls slowly, as Yogi does", adaptive),
    ]

    /// The optimizer.
    public let kind: Kind
    /// What the policy gives, by name: known names alone, in their ranges.
    public let parameters: [String: Double]

    /// The aggregate itself, which counts where nobody says otherwise.
    public static let none = OptimizerSpecification(kind: kinds[0], parameters: [:])

    private init(kind: Kind, parameters: [String: Double]) {
        self.kind = kind
        self.parameters = parameters
    }

    /// An optimizer by name.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` for an optimizer or parameter nobody knows, and for a value
    ///   outside its range.
    public init(_ name: String, _ parameters: [String: Double] = [:]) throws(RegistryError) {
        guard let kind = Self.kinds.first(where: { $0.name == name }) else {
            throw RegistryError(
                .invalidArgument,
                "there is no optimizer \(name.debugDescription); there are "
                    + Self.kinds.map(\.name).joined(separator: ", "))
        }
        try RuleSpecification.Parameter.check(parameters, against: kind.parameters, of: "optimizer \(name)")
        self.init(kind: kind, parameters: parameters)
    }

    /// A parameter's value: the given one, else the standard.
    public func value(_ name: String) -> Double? {
        parameters[name] ?? kind.parameters.first { $0.name == name }?.standard
    }
}
