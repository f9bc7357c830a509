import ECLMCore
public import EdgeClient
public import Logging
import PostgreSQL
public import Registry
public import ServiceLifecycle
public import Trainer

/// A registry as a region of another: mirrors the parent's releases, and hands the partial aggregates of its rounds over.
///
/// The parent knows the region as a device of that name. Everything here may be done again after any failure, and by
/// several programs of the region at once: releases are mirrored once, and a round is one update of the parent however often
/// it is sent.
public struct Region: Sendable {
    /// The region's registry, over a login in the roles of a publisher, an operator and a trainer.
    public let registry: Registry
    /// The parent's services, as the region's device.
    public let parent: RegistryClient
    /// Where the parent is, for people.
    public let parentName: String
    /// What the parent calls the region, and the actor of what it writes.
    public let name: String
    /// The channel that is followed, and whose models' rounds are handed over.
    public let policy: TrainerPolicy
    let logger: Logger

    /// A region.
    public init(
        registry: Registry, parent: RegistryClient, parentName: String, name: String, policy: TrainerPolicy,
        logger: Logger
    ) {
        self.registry = registry
        self.parent = parent
        self.parentName = parentName
        self.name = name
        self.policy = policy
        self.logger = logger
    }

    /// Makes sure that this registry's login may do a region's work.
    ///
    /// - Throws: `RegistryError` with `permissionDenied` naming the roles that it lacks.
    public func checkRoles() async throws(RegistryError) {
        let missing = try await registry.missingRoles(of: ["eclm_publisher", "eclm_operator", "eclm_trainer"])
        guard missing.isEmpty else {
            throw RegistryError(
                .permissionDenied,
                "a region publishes what its parent released, withdraws what it withdrew and makes rounds, but this login "
                    + "is no member of \(missing.joined(separator: ", ")): GRANT it")
        }
    }

    func provenance(_ reason: String) -> Provenance { Provenance(actor: name, reason: reason) }
}

extension Region: Service {
    /// Follows the parent and hands over what rounds make, until a graceful shutdown or cancellation.
    public func run() async {
        let (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let listener = PostgresListener(
                    pool: registry.pool, channels: ["eclm_hand_overs"], logger: logger)
                for await _ in listener { wake.yield() }
            }
            // Whatever is cut off is done again at the next start.
            await cancelWhenGracefulShutdown { await work(wakes, wake) }
            group.cancelAll()
        }
    }

    private func work(_ wakes: AsyncStream<Void>, _ wake: AsyncStream<Void>.Continuation) async {
        var iterator = wakes.makeAsyncIterator()
        var pauses = FailurePauses()
        while !Task.isCancelled {
            var pause = policy.pollInterval
            if let rest = pauses.remaining(parentName) {
                pause = rest
            } else {
                do {
                    try await follow()
                    let left = try await handOver()
                    if left == 0 {
                        pauses.succeeded(parentName)
                    } else {
                        pause = min(pause, pauses.failed(parentName))
                    }
                } catch {
                    if Task.isCancelled { return }
                    logger.error(
                        "the parent cannot be followed", metadata: ["parent": "\(parentName)", "error": "\(error)"])
                    pause = min(pause, pauses.failed(parentName))
                }
            }
            let timer = Task {
                try await Task.sleep(for: pause)
                wake.yield()
            }
            _ = await iterator.next()
            timer.cancel()
        }
    }
}
