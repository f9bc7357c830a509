public import ECLMCore

/// A rule as rounds follow it, with what a policy decides whatever the rule is.
public struct RoundRule: Sendable {
    public var rule: any AggregationRule
    /// Whether the selector learns, too. Frozen by default, so that importances stay comparable between devices.
    public var trainsSelector: Bool

    public init(_ rule: any AggregationRule, trainsSelector: Bool = false) {
        self.rule = rule
        self.trainsSelector = trainsSelector
    }

    private static let selectorSuffix = "_selector"

    /// The name in `eclm.rounds.rule`: the rule's, with the suffix `_selector` where that learns.
    public var name: String { rule.recordedName + (trainsSelector ? Self.selectorSuffix : "") }

    /// Whether modules of this kind learn from updates. Weights that devices send for other kinds are ignored: the module
    /// keeps its version, and no contribution is recorded.
    public func trains(_ kind: ModuleKind) -> Bool { kind != .selector || trainsSelector }

    /// See ``AggregationRule/minimumContributions``.
    public var minimumContributions: Int { rule.minimumContributions }
    /// See ``AggregationRule/requiredUpdates``.
    public var requiredUpdates: Int { rule.requiredUpdates }
    /// See ``AggregationRule/mergesPartials``.
    public var mergesPartials: Bool { rule.mergesPartials }
    /// See ``AggregationRule/method``.
    public var method: AggregationMethod { rule.method }
    /// What keeps the devices of a round private; `nil` without privacy.
    public var privacy: PrivacyMechanism? {
        guard case .wholeUpdates(let mechanism) = rule.method else { return nil }
        return mechanism
    }

    /// What a name in `eclm.rounds.rule` says.
    public struct RecordedName: Sendable, Hashable {
        /// The rule's name in policies.
        public var rule: String
        /// Whether updates on older releases weighed less.
        public var isDiscounted: Bool
        /// Whether the selector learned.
        public var trainsSelector: Bool

        public init(_ name: String) {
            var rest = Substring(name)
            trainsSelector = rest.hasSuffix(RoundRule.selectorSuffix)
            if trainsSelector { rest = rest.dropLast(RoundRule.selectorSuffix.count) }
            isDiscounted = rest.hasPrefix(StalenessDiscount.namePrefix)
            if isDiscounted { rest = rest.dropFirst(StalenessDiscount.namePrefix.count) }
            rule = String(rest)
        }
    }
}
