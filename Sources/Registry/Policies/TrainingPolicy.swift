public import Aggregation
public import Foundation
import PostgreSQL

/// How and when a model's updates are aggregated.
public struct TrainingPolicy: Sendable, Hashable {
    /// The aggregation rule with its parameters.
    public var rule: RuleSpecification
    /// Updates that make a round worth while, unless the oldest has waited ``maximumWait``; 1 to ``maximumUpdates``.
    public var minimumUpdates: Int
    /// The fewest updates of a round, however long they wait; `nil` for what the rule asks for.
    public var requiredUpdates: Int?
    /// The fewest devices that the updates of a round come from; `nil` for what the rule asks for.
    public var requiredDevices: Int?
    /// The most updates one round takes, at most what the rule can.
    public var maximumUpdates: Int
    /// Seconds that an update waits for others at most, 0 to ten years.
    public var maximumWait: Double
    /// Whether the selector learns, too.
    public var trainsSelector: Bool
    /// What makes a module's version of the round's aggregate.
    public var optimizer: OptimizerSpecification
    /// Updates of one module that make a round worth while, however few there are of others; 0 for none, at most
    /// ``maximumUpdates``.
    public var quorum: Int

    /// Without them, what the trainer does by default.
    public init(
        rule: RuleSpecification = .standard, minimumUpdates: Int = 1, maximumUpdates: Int = 256,
        maximumWait: Double = 60, trainsSelector: Bool = false, optimizer: OptimizerSpecification = .none,
        quorum: Int = 0, requiredUpdates: Int? = nil, requiredDevices: Int? = nil
    ) {
        self.rule = rule
        self.requiredUpdates = requiredUpdates
        self.requiredDevices = requiredDevices
        self.minimumUpdates = minimumUpdates
        self.maximumUpdates = maximumUpdates
        self.maximumWait = maximumWait
        self.trainsSelector = trainsSelector
        self.optimizer = optimizer
        self.quorum = quorum
    }

    /// Refuses values that make no sense together.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` naming the value.
    public func check() throws(RegistryError) {
        func require(_ condition: Bool, _ message: String) throws(RegistryError) {
            guard condition else { throw RegistryError(.invalidArgument, message) }
        }
        try require(
            (1...rule.maximumUpdates).contains(maximumUpdates),
            "the maximum of updates must lie in 1...\(rule.maximumUpdates) for rule \(rule.definition.name), not be "
                + "\(maximumUpdates)")
        try require(
            (1...maximumUpdates).contains(minimumUpdates),
            "the minimum of updates must lie in 1...\(maximumUpdates), the maximum, not be \(minimumUpdates)")
        for (what, number) in [("updates", requiredUpdates), ("devices", requiredDevices)] {
            guard let number else { continue }
            try require(
                (1...maximumUpdates).contains(number),
                "the \(what) that a round requires must lie in 1...\(maximumUpdates), the maximum of updates, not be \(number)"
            )
        }
        try require(
            rule.rule.minimumContributions <= maximumUpdates,
            "rule \(rule.definition.name) needs at least \(rule.rule.minimumContributions) updates with these parameters, and a round "
                + "takes at most \(maximumUpdates)")
        try require(
            (0...315_360_000).contains(maximumWait),
            "the maximum wait must lie in 0...315360000 s, not be \(maximumWait)")
        try require(
            (0...maximumUpdates).contains(quorum),
            "the quorum must lie in 1...\(maximumUpdates), the maximum of updates, or be 0 for none; it is \(quorum)")
        try require(
            !rule.isPrivate || quorum == 0,
            "rule \(rule.definition.name) takes no quorum, and it is \(quorum): when a round begins must not depend on which "
                + "modules devices trained")
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
    /// The optimizer by name; another one begins without parameters.
    public var optimizer: String?
    /// Parameters of the optimizer to set, or with `nil` to take away.
    public var optimizerParameters: [String: Double?]
    /// See ``TrainingPolicy/quorum``.
    public var quorum: Int?
    /// See ``TrainingPolicy/requiredUpdates``; 0 for what the rule asks for.
    public var requiredUpdates: Int?
    /// See ``TrainingPolicy/requiredDevices``; 0 for what the rule asks for.
    public var requiredDevices: Int?

    public init(
        rule: String? = nil, parameters: [String: Double?] = [:], minimumUpdates: Int? = nil,
        maximumUpdates: Int? = nil, maximumWait: Double? = nil, trainsSelector: Bool? = nil, optimizer: String? = nil,
        optimizerParameters: [String: Double?] = [:], quorum: Int? = nil, requiredUpdates: Int? = nil,
        requiredDevices: Int? = nil
    ) {
        self.rule = rule
        self.parameters = parameters
        self.minimumUpdates = minimumUpdates
        self.maximumUpdates = maximumUpdates
        self.maximumWait = maximumWait
        self.trainsSelector = trainsSelector
        self.optimizer = optimizer
        self.optimizerParameters = optimizerParameters
        self.quorum = quorum
        self.requiredUpdates = requiredUpdates
        self.requiredDevices = requiredDevices
    }

    /// The policy with the change made.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` where the outcome cannot work.
    func applied(
        to policy: TrainingPolicy, in vocabulary: PolicyVocabulary
    ) throws(RegistryError) -> TrainingPolicy {
        var result = policy
        let ruleName = rule ?? policy.rule.definition.name
        let name = optimizer ?? policy.optimizer.definition.name
        do {
            result.rule = try RuleSpecification(
                ruleName,
                Self.changed(ruleName == policy.rule.definition.name ? policy.rule.parameters : [:], by: parameters),
                in: vocabulary)
            result.optimizer = try OptimizerSpecification(
                name,
                Self.changed(
                    name == policy.optimizer.definition.name ? policy.optimizer.parameters : [:],
                    by: optimizerParameters), in: vocabulary)
        } catch {
            throw RegistryError(error)
        }
        result.quorum = quorum ?? result.quorum
        if let requiredUpdates { result.requiredUpdates = requiredUpdates == 0 ? nil : requiredUpdates }
        if let requiredDevices { result.requiredDevices = requiredDevices == 0 ? nil : requiredDevices }
        result.minimumUpdates = minimumUpdates ?? result.minimumUpdates
        // A rule that can take fewer than the maximum that nobody chose takes what it can.
        result.maximumUpdates = maximumUpdates ?? min(result.maximumUpdates, result.rule.maximumUpdates)
        result.maximumWait = maximumWait ?? result.maximumWait
        result.trainsSelector = trainsSelector ?? result.trainsSelector
        try result.check()
        return result
    }

    private static func changed(_ values: [String: Double], by changes: [String: Double?]) -> [String: Double] {
        var values = values
        for (name, value) in changes { values[name] = value }
        return values
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
    /// The optimizer's name, as stored: perhaps one that this program does not know.
    public var optimizer: String
    /// The optimizer's parameters, as stored.
    public var optimizerParameters: [String: Double]
    /// Updates of one module that make a round worth while; 0 for none.
    public var quorum: Int
    /// The fewest updates of a round; `nil` for what the rule asks for.
    public var requiredUpdates: Int?
    /// The fewest devices that the updates of a round come from; `nil` for what the rule asks for.
    public var requiredDevices: Int?
    /// Why it was set.
    public var reason: String
    /// When.
    public var createdAt: Date
    /// By whom.
    public var createdBy: String

    /// The policy, checked.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` for a rule, optimizer or parameter that this program does not
    ///   know.
    public func policy(in vocabulary: PolicyVocabulary = .standard) throws(RegistryError) -> TrainingPolicy {
        var policy = TrainingPolicy(
            minimumUpdates: minimumUpdates, maximumUpdates: maximumUpdates, maximumWait: maximumWait,
            trainsSelector: trainsSelector, quorum: quorum, requiredUpdates: requiredUpdates,
            requiredDevices: requiredDevices)
        do {
            policy.rule = try RuleSpecification(rule, parameters, in: vocabulary)
            policy.optimizer = try OptimizerSpecification(optimizer, optimizerParameters, in: vocabulary)
        } catch {
            throw RegistryError(error)
        }
        try policy.check()
        return policy
    }
}

extension PolicyRecord {
    static let select: SQL = """
        SELECT mo.name AS model, p.revision, p.rule, p.parameters, p.minimum_updates, p.maximum_updates, p.maximum_wait,
            p.train_selector, p.optimizer, p.optimizer_parameters, p.quorum, p.required_updates,
            p.required_devices, p.reason, p.created_at, p.created_by
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
        optimizer = try row.decode("optimizer")
        optimizerParameters = try row.json("optimizer_parameters", as: [String: Double].self)
        quorum = Int(try row.decode("quorum", as: Int32.self))
        requiredUpdates = try row.decode("required_updates", as: Int32?.self).map { Int($0) }
        requiredDevices = try row.decode("required_devices", as: Int32?.self).map { Int($0) }
        reason = try row.decode("reason")
        createdAt = try row.decode("created_at")
        createdBy = try row.decode("created_by")
    }
}
