import Foundation
import PostgreSQL

/// How and when a model's updates are aggregated.
public struct TrainingPolicy: Sendable, Hashable {
    /// The aggregation rule with its parameters.
    public var rule: RuleSpecification
    /// Updates that make a round worth while, unless the oldest has waited ``maximumWait``; 1 to ``maximumUpdates``.
    public var minimumUpdates: Int
    /// The most updates one round takes, at most what the rule can.
    public var maximumUpdates: Int
    /// Seconds that an update waits for others at most, 0 to ten years.
    public var maximumWait: Double
    /// Whether the selector learns, too.
    public var trainsSelector: Bool

    /// A policy from its parts; without them, what the trainer does by default.
    public init(
        rule: RuleSpecification = .standard, minimumUpdates: Int = 1, maximumUpdates: Int = 256,
        maximumWait: Double = 60, trainsSelector: Bool = false
    ) {
        self.rule = rule
        self.minimumUpdates = minimumUpdates
        self.maximumUpdates = maximumUpdates
        self.maximumWait = maximumWait
        self.trainsSelector = trainsSelector
    }

    /// Refuses values that make no sense together.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` naming the value.
    public func check() throws(RegistryError) {
        func require(_ condition: Bool, _ message: String) throws(RegistryError) {
            guard condition else { throw RegistryError(.invalidArgument, message) }
        }
        try require(
            (1...rule.kind.maximumUpdates).contains(maximumUpdates),
            "the maximum of updates must lie in 1...\(rule.kind.maximumUpdates) for rule \(rule.kind.name), not be "
                + "\(maximumUpdates)")
        try require(
            (1...maximumUpdates).contains(minimumUpdates),
            "the minimum of updates must lie in 1...\(maximumUpdates), the maximum, not be \(minimumUpdates)")
        try require(
            rule.minimumContributions <= maximumUpdates,
            "rule \(rule.kind.name) needs at least \(rule.minimumContributions) updates with these parameters, and a round "
                + "takes at most \(maximumUpdates)")
        try require(
            (0...315_360_000).contains(maximumWait),
            "the maximum wait must lie in 0...315360000 s, not be \(maximumWait)")
    }
}

/// What to change of a model's policy; `nil` leaves a value as it is.
public struct PolicyChange: Sendable, Hashable {
    /// The rule by name; another rule begins without parameters.
    public var rule: String?
    /// Parameters to set, or with `nil` to take away.
    public var parameters: [String: Double?]
    /// See ``TrainingPolicy/minimumUpdates``.
    public var minimumUpdates: Int?
    /// See ``TrainingPolicy/maximumUpdates``.
    public var maximumUpdates: Int?
    /// See ``TrainingPolicy/maximumWait``.
    public var maximumWait: Double?
    /// See ``TrainingPolicy/trainsSelector``.
    public var trainsSelector: Bool?

    /// A change from its parts.
    public init(
        rule: String? = nil, parameters: [String: Double?] = [:], minimumUpdates: Int? = nil,
        maximumUpdates: Int? = nil,
        maximumWait: Double? = nil, trainsSelector: Bool? = nil
    ) {
        self.rule = rule
        self.parameters = parameters
        self.minimumUpdates = minimumUpdates
        self.maximumUpdates = maximumUpdates
        self.maximumWait = maximumWait
        self.trainsSelector = trainsSelector
    }

    /// The policy with the change made.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` where the outcome cannot work.
    func applied(to policy: TrainingPolicy) throws(RegistryError) -> TrainingPolicy {
        var result = policy
        let name = rule ?? policy.rule.kind.name
        var values = name == policy.rule.kind.name ? policy.rule.parameters : [:]
        for (parameter, value) in parameters { values[parameter] = value }
        result.rule = try RuleSpecification(name, values)
        result.minimumUpdates = minimumUpdates ?? result.minimumUpdates
        // A rule that can take fewer than the maximum that nobody chose takes what it can.
        result.maximumUpdates = maximumUpdates ?? min(result.maximumUpdates, result.rule.kind.maximumUpdates)
        result.maximumWait = maximumWait ?? result.maximumWait
        result.trainsSelector = trainsSelector ?? result.trainsSelector
        try result.check()
        return result
    }
}

/// A policy as it was set: immutable, numbered within its model.
public struct PolicyRecord: Sendable, Hashable {
    /// The model's name.
    public var model: String
    /// The number within the model, from 1; the newest counts.
    public var revision: Int
    /// The rule's name, as stored: perhaps one that this program does not know.
    public var rule: String
    /// The rule's parameters, as stored.
    public var parameters: [String: Double]
    /// Updates that make a round worth while.
    public var minimumUpdates: Int
    /// The most updates one round takes.
    public var maximumUpdates: Int
    /// Seconds that an update waits for others at most.
    public var maximumWait: Double
    /// Whether the selector learns, too.
    public var trainsSelector: Bool
    /// Why it was set.
    public var reason: String
    /// When.
    public var createdAt: Date
    /// By whom.
    public var createdBy: String

    /// The policy, checked.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` for a rule or parameter that this program does not know.
    public func policy() throws(RegistryError) -> TrainingPolicy {
        let policy = TrainingPolicy(
            rule: try RuleSpecification(rule, parameters), minimumUpdates: minimumUpdates,
            maximumUpdates: maximumUpdates, maximumWait: maximumWait, trainsSelector: trainsSelector)
        try policy.check()
        return policy
    }
}

extension PolicyRecord {
    static let select: SQL = """
        SELECT mo.name AS model, p.revision, p.rule, p.parameters, p.minimum_updates, p.maximum_updates, p.maximum_wait,
            p.train_selector, p.reason, p.created_at, p.created_by
        FROM eclm.policies p JOIN eclm.models mo USING (model_id)
        """

    init(_ row: PostgresRow) throws {
        model = try row.decode("model")
        revision = Int(try row.decode("revision", as: Int32.self))
        rule = try row.decode("rule")
        parameters = try row.json("parameters", as: [String: Double].self)
        minimumUpdates = Int(try row.decode("minimum_updates", as: Int32.self))
        maximumUpdates = Int(try row.decode("maximum_updates", as: Int32.self))
        maximumWait = try row.decode("maximum_wait")
        trainsSelector = try row.decode("train_selector")
        reason = try row.decode("reason")
        createdAt = try row.decode("created_at")
        createdBy = try row.decode("created_by")
    }
}
