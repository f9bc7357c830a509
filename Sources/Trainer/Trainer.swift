public import Aggregation
import ECLMCore
public import Logging
import PostgreSQL
public import Registry

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
    /// An update leaves the queue only for what is wrong in it. Any trouble of the registry's own, such as bytes that are
    /// lost or a full disk, is thrown, and the updates wait. Where the database refuses what a round writes, rounds with
    /// fewer updates are tried until one update is found that fails alone while others do not; that one is quarantined.
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
                try? await registry.clearRoundObstacle(of: model)
            }
            return outcome
        } catch {
            metrics.recordFailure(of: model, error)
            if error.holdsRoundsUp {
                // Where this fails as well, the log has it.
                try? await registry.noteRoundObstacle(of: model, error.code.name, error.message, as: name)
            }
            throw error
        }
    }

    func round(
        of model: String, minimum: Int? = nil, locksFirst: Bool = false, probed: [UpdateID]? = nil, claimed: ClaimLog
    ) -> Round {
        Round(
            registry: registry, settings: RoundPolicy(policy, rule: rule, vocabulary: registry.vocabulary),
            blockMemory: policy.blockMemory, trainer: name, region: region, model: model, channel: policy.channel,
            probed: probed, minimum: minimum, locksFirst: locksFirst, claimed: claimed)
    }

    private func attempts(at model: String, minimum: Int?) async throws(TrainerError) -> RoundOutcome? {
        var restarts = 0
        while true {
            let claimed = ClaimLog()
            let round = round(of: model, minimum: minimum, locksFirst: restarts > 1, claimed: claimed)
            do throws(RegistryError) {
                return try await round.run()
            } catch {
                if let outdated = error.cause as? RoundOutdated, restarts < policy.maximumRestarts {
                    restarts += 1
                    logger.info(
                        "round begins anew", metadata: ["model": "\(model)", "reason": "\(outdated.what)"])
                    continue
                }
                guard error.isRefusalOfDatabase, !claimed.updates.isEmpty else { throw TrainerError(error) }
                logger.warning(
                    "round failed",
                    metadata: [
                        "model": "\(model)", "updates": "\(claimed.updates.count)", "error": "\(error.message)",
                    ])
                return try await isolate(among: claimed.updates, of: model, error)
            }
        }
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
