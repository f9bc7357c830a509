import Aggregation
import ECLMCore
import PostgreSQL
import Registry

/// What one round goes by: the model's policy in the database, else the trainer's own settings.
struct RoundPolicy: Sendable {
    /// The methods that a policy may name here.
    var vocabulary: PolicyVocabulary
    /// The policy's revision; `nil` for the trainer's settings.
    var revision: Int?
    var rule: RoundRule
    /// The largest norm of an update's difference to the version it is folded onto, for each module.
    var clipNorm: Double?
    /// What keeps the devices of a round private; `nil` without privacy.
    var privacy: PrivacyMechanism? { rule.privacy }
    /// The most releases that an update may be behind.
    var maximumStaleness: Int?
    /// The most robust standard deviations that a norm may lie above the median.
    var normThreshold: Double?
    /// Whether a file counts once alone, however many updates bring it.
    var refusesDuplicates = false
    /// What makes a version of the aggregate; `nil` where it is the aggregate.
    var optimizer: (any ServerOptimizer)?
    /// Updates of one module that make a round worth while; 0 for none.
    var quorum = 0
    var minimumUpdates: Int
    var maximumUpdates: Int
    var maximumWait: Duration
    /// What somebody asked for instead of what the rule asks for.
    private var requiredUpdates: Int?
    private var requiredDevices: Int?

    /// The fewest devices of a round; see ``shortage(of:)``.
    var fewestDevices: Int { requiredDevices ?? min(rule.requiredUpdates, maximumUpdates) }

    /// Why updates are too few for a round, whatever starts one; `nil` where they suffice.
    func shortage(of updates: [ClaimedUpdate]) -> String? {
        if updates.count < rule.minimumContributions {
            return "rule \(rule.name) needs \(rule.minimumContributions) updates, and \(updates.count) wait"
        }
        let fewest = requiredUpdates ?? min(rule.requiredUpdates, maximumUpdates)
        let devices = Set(updates.map(\.deviceID)).count
        guard updates.count < fewest || devices < fewestDevices else { return nil }
        return "\(fewest) updates of \(fewestDevices) devices are required, and \(updates.count) of \(devices) wait"
    }

    /// The trainer's settings.
    init(_ settings: TrainerPolicy, rule: RoundRule, vocabulary: PolicyVocabulary) {
        self.rule = rule
        self.vocabulary = vocabulary
        minimumUpdates = settings.minimumUpdates
        maximumUpdates = settings.maximumUpdates
        maximumWait = settings.maximumWait
        requiredUpdates = settings.requiredUpdates
        requiredDevices = settings.requiredDevices
    }

    /// The policy that counts for a model now.
    ///
    /// - Throws: ``RegistryError`` with a ``TrainerError`` as cause for a policy that this trainer cannot follow: no update
    ///   is at fault for it, and no round is better than another than the one asked for.
    static func read(
        of model: ModelID, else settings: RoundPolicy, on connection: PostgresConnection
    ) async throws -> RoundPolicy {
        guard let record = try await Registry.newestPolicy(of: model, on: connection) else { return settings }
        return try RoundPolicy(following: record, else: settings)
    }

    /// What a policy asks for.
    ///
    /// - Throws: As ``read(of:else:on:)``.
    init(following record: PolicyRecord, else settings: RoundPolicy) throws(RegistryError) {
        self = settings
        do {
            let policy = try record.policy(in: settings.vocabulary)
            rule = RoundRule(policy.rule.rule, trainsSelector: policy.trainsSelector)
            clipNorm = policy.rule.clipNorm
            let checks = policy.rule.values
            maximumStaleness = checks[RuleSpecification.maximumStaleness.name].map { Int($0) }
            normThreshold = checks[RuleSpecification.normThreshold.name]
            refusesDuplicates = checks[RuleSpecification.refusesDuplicates.name] == 1
            optimizer = policy.optimizer.optimizer
        } catch {
            let detail = error.message
            let message =
                "policy \(record.revision) of \(record.model) cannot be followed: \(detail); update trainerd, or set "
                + "another policy"
            throw RegistryError(
                .failedPrecondition, message, cause: TrainerError(.registryUnfit, message, cause: error))
        }
        revision = record.revision
        quorum = record.quorum
        minimumUpdates = record.minimumUpdates
        maximumUpdates = record.maximumUpdates
        maximumWait = .seconds(record.maximumWait)
        requiredUpdates = record.requiredUpdates
        requiredDevices = record.requiredDevices
    }
}

extension RoundPolicy {
    /// What a module becomes: its aggregate, or where the policy has an optimizer, what that makes of it.
    ///
    /// - Parameters:
    ///   - aggregate: What the rule made.
    ///   - state: What an optimizer left with the base.
    /// - Returns: The version's file, and what the optimizer remembers with it.
    /// - Throws: As ``OptimizerStep/move(_:toward:from:)``.
    func step(
        from base: AggregationBase, toward aggregate: [UInt8], _ state: OptimizerState?, in blobs: any BlobSource
    ) async throws -> (file: [UInt8], memory: (bytes: [UInt8], state: OptimizerState)?) {
        guard let optimizer else { return (aggregate, nil) }
        let next = try await OptimizerStep(blobs: blobs, optimizer: optimizer).move(
            base, toward: aggregate, from: state)
        return (next.file, (next.memory, next.state))
    }
}
