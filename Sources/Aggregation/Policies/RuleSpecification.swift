/// An aggregation rule with its parameters, checked: what a training policy stores and a round follows.
public struct RuleSpecification: Sendable, Hashable {
    /// The rule.
    public let rule: any AggregationRule
    /// The rule's parameters and those of ``common`` that it takes.
    public let values: ParameterValues

    /// The rule of the paper, which counts where nobody says otherwise.
    public static let standard = RuleSpecification()

    private init() {
        rule = ImportanceWeightedMean()
        values = ParameterValues(nothingOf: ImportanceWeightedMean.definition.parameters + Self.common)
    }

    /// A rule by name.
    ///
    /// - Throws: ``AggregationError`` with `unknownMethod` for a rule nobody knows, and with `invalidPolicy` for a parameter
    ///   nobody knows, a value outside its range, and a parameter that is missing.
    public init(
        _ name: String, _ parameters: [String: Double] = [:], in vocabulary: PolicyVocabulary = .standard
    ) throws(AggregationError) {
        let type = try vocabulary.rule(named: name)
        let comparing = [Self.normThreshold, Self.refusesDuplicates]
        if type.isPrivate, let check = comparing.first(where: { parameters[$0.name] != nil }) {
            throw AggregationError(
                .invalidPolicy,
                "rule \(name) does not take \(check.name): whether one device's update counts would depend on what "
                    + "others sent, and the privacy guarantee does not allow that")
        }
        values = try ParameterValues(
            parameters, against: type.definition.parameters + Self.checks(of: type), of: "rule \(name)")
        rule = type.init(values)
    }

    /// What a policy may say of the rule.
    public var definition: MethodDefinition { type(of: rule).definition }
    /// What the policy gives, by name: known names alone, in their ranges.
    public var parameters: [String: Double] { values.given }
    /// The most updates a round may take with it.
    public var maximumUpdates: Int { type(of: rule).maximumUpdates }
    /// Whether it keeps each device's part private: then nothing but that part may depend on what a device sent.
    public var isPrivate: Bool { type(of: rule).isPrivate }

    public static func == (left: RuleSpecification, right: RuleSpecification) -> Bool {
        left.definition == right.definition && left.parameters == right.parameters
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(definition.name)
        hasher.combine(parameters)
    }
}

extension RuleSpecification {
    /// The largest Euclidean norm of an update's difference to the version it is folded onto, for each module; larger
    /// differences are scaled down to it. Every rule takes it but private ones.
    public static let clipNorm = Parameter(
        "clip_norm", Double.leastNormalMagnitude...Double.greatestFiniteMagnitude,
        "scales an update's difference to the current version down to this norm, module by module")

    /// The most releases that an update may be behind; older ones are quarantined. Every rule takes it.
    public static let maximumStaleness = Parameter(
        "maximum_staleness", 0...1_000_000, whole: true, "quarantines updates that are more releases behind")

    /// The most robust standard deviations that the norm of a module's difference may lie above the median; updates
    /// beyond are quarantined. Every rule takes it but private ones.
    public static let normThreshold = Parameter(
        "norm_z", 1...1_000_000,
        "quarantines updates with a module whose change has a norm so many robust standard deviations above the median")

    /// Whether an update is quarantined that brings a file which another update brought before. Every rule takes it but
    /// private ones.
    public static let refusesDuplicates = Parameter(
        "refuse_duplicates", 0...1, standard: 0, whole: true,
        "1 quarantines updates with a module's file that another update brought before")

    /// What every rule takes but private ones, which take ``maximumStaleness`` alone.
    public static let common = [clipNorm, maximumStaleness, normThreshold, refusesDuplicates]

    /// What a rule takes of ``common``.
    public static func checks(of rule: any AggregationRule.Type) -> [Parameter] {
        rule.isPrivate ? [maximumStaleness] : common
    }

    /// The norm that each module's difference is scaled down to; `nil` for any, and for rules with a `clip_norm` of their
    /// own.
    public var clipNorm: Double? { isPrivate ? nil : values[Self.clipNorm.name] }
}
