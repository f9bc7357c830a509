import Aggregation
import ECLMCore
import Logging
import Registry

/// Folds what devices learned into new module versions, round by round.
///
/// PostgreSQL is the queue: any number of trainers may run over one database. A round is one transaction, so a trainer
/// killed at any instant has done all of it or none, and every update counts once or is quarantined with a reason.
///
/// - ``run()`` as a service that wakes by notification, ``drain()`` for everything that is pending now
/// - ``runRound(model:)`` for one round
///
/// A round holds one connection of the registry's pool and reads blobs over a second one.
public struct Trainer: Sendable {
    /// The registry it works on.
    public let registry: Registry
    /// When it starts rounds.
    public let policy: TrainerPolicy
    /// How it aggregates the updates of models without a policy.
    public let rule: RoundRule
    /// The name in `eclm.rounds.trainer`, and the actor of everything it writes.
    public let name: String
    /// What the parent calls this registry, where it is a region: its rounds make partial aggregates to hand over instead of
    /// versions. `nil` for a registry of its own.
    public let region: String?
    let logger: Logger
    let metrics = TrainerMetrics()

    /// A trainer.
    ///
    /// - Throws: ``TrainerError`` with `invalidPolicy` for a policy, a name or a pool that cannot work.
    public init(
        registry: Registry, policy: TrainerPolicy = TrainerPolicy(),
        rule: any AggregationRule = ImportanceWeightedMean(), trainsSelector: Bool = false, name: String,
        region: String? = nil,
        logger: Logger
    ) throws(TrainerError) {
        try policy.check()
        guard (1...128).contains(name.utf8.count) else {
            throw TrainerError(.invalidPolicy, "a trainer's name must have 1 to 128 bytes")
        }
        guard (1...128).contains(region?.utf8.count ?? 1) else {
            throw TrainerError(.invalidPolicy, "a region's name must have 1 to 128 bytes")
        }
        guard registry.pool.configuration.maximumConnections >= 2 else {
            throw TrainerError(
                .invalidPolicy, "a trainer needs at least 2 connections: one for the round and one to read blobs")
        }
        self.registry = registry
        self.policy = policy
        self.rule = RoundRule(rule, trainsSelector: trainsSelector)
        self.name = name
        self.region = region
        self.logger = logger
    }

    /// Runs one round of a model.
    ///
    /// A round that fails for its content is tried again with half of the updates, until it commits or one update is
    /// left that fails alone, which is then quarantined: every call makes progress.
    ///
    /// - Returns: What it did; `nil` when too little is pending, others hold it, or a canary of the channel runs.
    /// - Throws: ``TrainerError``; nothing was changed then.
    public func runRound(model: String) async throws(TrainerError) -> RoundOutcome? {
        try await runRound(model: model, minimum: nil)
    }

    func runRound(model: String, minimum: Int?) async throws(TrainerError) -> RoundOutcome? {
        let begun = ContinuousClock.now
        do {
            let outcome = try await attempts(at: model, minimum: minimum)
            if let outcome {
                metrics.record(outcome, duration: ContinuousClock.now - begun)
                log(outcome)
            }
            return outcome
        } catch {
            metrics.recordFailure(of: model, error)
            throw error
        }
    }

    private func attempts(at model: String, minimum: Int?) async throws(TrainerError) -> RoundOutcome? {
        var limit: Int?
        var minimum = minimum
        var restarts = 0
        var failures = 0
        while true {
            let claimed = ClaimLog()
            let round = Round(
                registry: registry, settings: RoundPolicy(policy, rule: rule, vocabulary: registry.vocabulary),
                blockMemory: policy.blockMemory,
                trainer: name, region: region, model: model, channel: policy.channel, limit: limit, minimum: minimum,
                locksFirst: restarts > 1, claimed: claimed)
            do throws(RegistryError) {
                return try await round.run()
            } catch {
                if let outdated = error.cause as? RoundOutdated, restarts < policy.maximumRestarts {
                    restarts += 1
                    logger.info(
                        "round begins anew", metadata: ["model": "\(model)", "reason": "\(outdated.what)"])
                    continue
                }
                let updates = claimed.updates
                guard error.isFaultOfContent, let first = updates.first else { throw TrainerError(error) }
                logger.warning(
                    "round failed",
                    metadata: ["model": "\(model)", "updates": "\(updates.count)", "error": "\(error.message)"])
                if updates.count > 1 {
                    (limit, minimum) = (updates.count / 2, 1)
                } else if failures == 0 {
                    failures = 1
                    (limit, minimum) = (1, 1)
                } else {
                    return try await isolate(first, of: model, error)
                }
            }
        }
    }

    /// Takes an update out of the queue that makes every round fail.
    private func isolate(
        _ update: UpdateID, of model: String, _ error: RegistryError
    ) async throws(TrainerError) -> RoundOutcome {
        let reason = String("every round with it fails: \(error.message)".prefix(UpdateValidation.maximumReason))
        let refusal = RoundOutcome.Quarantined(updateID: update, reason: reason)
        do {
            try await registry.pool.registryTransaction { connection in
                try await Provenance(actor: name).apply(to: connection)
                try await Round.quarantine([refusal], on: connection)
            }
        } catch {
            throw TrainerError(error)
        }
        var outcome = RoundOutcome(model: model)
        outcome.quarantined = [refusal]
        return outcome
    }

    private func log(_ outcome: RoundOutcome) {
        for refusal in outcome.quarantined {
            logger.warning(
                "update quarantined",
                metadata: [
                    "model": "\(outcome.model)", "update": "\(refusal.updateID)", "reason": "\(refusal.reason)",
                ])
        }
        guard let round = outcome.round else { return }
        if !outcome.heldBack.isEmpty {
            logger.warning(
                "too few updates for the rule: modules keep their version",
                metadata: [
                    "model": "\(outcome.model)", "modules": "\(outcome.heldBack.joined(separator: " "))",
                ])
        }
        logger.info(
            "round committed",
            metadata: [
                "model": "\(outcome.model)", "round": "\(round)",
                "release": "\(outcome.release.map(String.init) ?? "none")", "updates": "\(outcome.updates.count)",
                "quarantined": "\(outcome.quarantined.count)", "versions": "\(outcome.newVersions)",
                "partials": "\(outcome.partials)",
                "bytes": "\(outcome.bytes)",
            ])
    }
}
