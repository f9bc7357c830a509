import ECLMCore
import Logging
import PostgreSQL
import Registry
public import ServiceLifecycle

extension Trainer: Service {
    /// The channels of `pg_notify` that tell of new updates, policies, requests and reports to canaries; the payload says no
    /// more than a look at the database.
    static let notifications = ["eclm_updates", "eclm_policies", "eclm_round_requests", "eclm_canaries"]

    /// How long to leave a request alone that could not be answered.
    private static let askedPause = Duration.milliseconds(500)

    /// Runs rounds as updates arrive, until a graceful shutdown, which lets the round in hand finish, or cancellation,
    /// which rolls it back.
    ///
    /// A lost database or a failing model is tried again after growing pauses; nothing ends the service but its owner.
    public func run() async {
        let (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await listen(wake) }
            await withGracefulShutdownHandler {
                await work(wakes, wake)
            } onGracefulShutdown: {
                // The round in hand goes on as long as the database does, and no wait for one that is silent.
                registry.pool.hurry()
                wake.yield()
            }
            group.cancelAll()
        }
    }

    /// Decides canaries, then runs rounds until nothing is pending that this trainer can take, whatever the policy's
    /// minimum.
    ///
    /// - Returns: What each round did, in order.
    /// - Throws: ``TrainerError`` of the first failure; the rounds before it stay committed.
    public func drain() async throws(TrainerError) -> [RoundOutcome] {
        try await decideCanaries()
        var outcomes: [RoundOutcome] = []
        for model in try await pendingModels() where model.hasChannel {
            while let outcome = try await runRound(model: model.name, minimum: 1) {
                outcomes.append(outcome)
                if Task.isCancelled || Task.isShuttingDownGracefully { return outcomes }
            }
        }
        return outcomes
    }

    private func listen(_ wake: AsyncStream<Void>.Continuation) async {
        let listener = PostgresListener(
            pool: registry.pool, channels: Self.notifications, logger: logger)
        // Also after every loss of the connection: what was announced meanwhile is not known.
        for await _ in listener { wake.yield() }
    }

    private func work(_ wakes: AsyncStream<Void>, _ wake: AsyncStream<Void>.Continuation) async {
        var iterator = wakes.makeAsyncIterator()
        var memory = WorkMemory()
        logger.info("trainer started", metadata: ["trainer": "\(name)", "channel": "\(policy.channel)"])
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            let pause = await pass(&memory)
            if pause <= .zero { continue }
            let timer = Task {
                try await Task.sleep(for: pause)
                wake.yield()
            }
            _ = await iterator.next()
            timer.cancel()
        }
        logger.info("trainer stopped", metadata: ["trainer": "\(name)"])
    }

    /// What the service remembers from one look at the queue to the next.
    private struct WorkMemory {
        var pauses = FailurePauses()
        /// Models without the channel, of which the log was told.
        var homeless: Set<String> = []
        /// Models whose rounds wait for a canary, of which the log was told.
        var onTrial: Set<String> = []
    }

    /// Gives every model that is due one round.
    ///
    /// - Returns: How long to wait for a notification; zero when there may be more to do at once.
    private func pass(_ memory: inout WorkMemory) async -> Duration {
        let canaryPause = await lookAfterCanaries(&memory)
        let queue = ""
        if let rest = memory.pauses.remaining(queue) { return rest }
        let models: [PendingModel]
        do {
            models = try await cancelWhenGracefulShutdown { try await pendingModels() }
            memory.pauses.succeeded(queue)
        } catch {
            if Task.isShuttingDownGracefully { return .zero }
            logger.error("the queue cannot be read", metadata: ["error": "\(error)"])
            return memory.pauses.failed(queue)
        }
        var pause = min(policy.pollInterval, canaryPause)
        var progressed = false
        for model in models {
            if Task.isCancelled || Task.isShuttingDownGracefully { return .zero }
            guard model.hasChannel else {
                if memory.homeless.insert(model.name).inserted {
                    logger.warning(
                        "updates wait for a channel",
                        metadata: ["model": "\(model.name)", "channel": "\(policy.channel)"])
                }
                continue
            }
            if model.isOnTrial {
                if memory.onTrial.insert(model.name).inserted {
                    logger.info(
                        "rounds wait for a canary",
                        metadata: ["model": "\(model.name)", "channel": "\(policy.channel)"])
                }
                continue
            }
            memory.onTrial.remove(model.name)
            if let rest = memory.pauses.remaining(model.name) {
                pause = min(pause, rest)
                continue
            }
            guard model.dueIn <= .zero else {
                pause = min(pause, model.dueIn)
                continue
            }
            do {
                if try await runRound(model: model.name) != nil {
                    progressed = true
                } else if model.isAsked {
                    // Another trainer holds what waits, or is about to answer.
                    pause = min(pause, Self.askedPause)
                }
                memory.pauses.succeeded(model.name)
            } catch {
                if Task.isCancelled { return .zero }
                logger.error("no round", metadata: ["model": "\(model.name)", "error": "\(error)"])
                pause = min(pause, memory.pauses.failed(model.name))
            }
        }
        return progressed ? .zero : pause
    }

    /// Counts what was reported to canaries, and decides those that are ripe.
    ///
    /// - Returns: How long to wait at most until the next look.
    private func lookAfterCanaries(_ memory: inout WorkMemory) async -> Duration {
        // No model is called so: names have no spaces.
        let key = "the canaries"
        if let rest = memory.pauses.remaining(key) { return rest }
        do {
            _ = try await cancelWhenGracefulShutdown { try await decideCanaries() }
            memory.pauses.succeeded(key)
            return policy.pollInterval
        } catch {
            if !Task.isCancelled, !Task.isShuttingDownGracefully {
                logger.error("no look at canaries", metadata: ["error": "\(error)"])
            }
            return memory.pauses.failed(key)
        }
    }
}
