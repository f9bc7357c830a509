public import Composition
import ECLMCore
public import Logging
import PostgreSQL
import Synchronization

/// Keeps a `CatalogueSnapshot` fresh: replaced on NOTIFY, read again after a lost connection, and polled as a net.
///
/// While the database is away the last snapshot goes on answering; ``age`` tells how old it is.
public final class Catalogue: Sendable {
    private struct State {
        var snapshot: CatalogueSnapshot<StoredRelease>
        /// Counts the snapshots, so that who saw one can wait for the next and miss none.
        var generation = 0
        var confirmed: ContinuousClock.Instant
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
        /// Releases asked for by number, newest use last.
        var pinned: [StoredRelease] = []
        /// Whether the database may have been restored, so that nothing that was read before counts, immutable as it is.
        var isSuspect = false
    }

    /// Releases that no channel points to, kept for queries by number.
    private static let maximumPinned = 32

    private let registry: Registry
    private let logger: Logger
    private let pollInterval: Duration
    private let state: Mutex<State>

    private init(registry: Registry, snapshot: CatalogueSnapshot<StoredRelease>, pollInterval: Duration, logger: Logger)
    {
        self.registry = registry
        self.logger = logger
        self.pollInterval = pollInterval
        state = Mutex(State(snapshot: snapshot, confirmed: .now))
    }

    /// A catalogue with its first snapshot loaded; ``run()`` keeps it fresh.
    public static func load(
        registry: Registry, pollInterval: Duration = .seconds(30), logger: Logger
    ) async throws(RegistryError) -> Catalogue {
        let snapshot = try await CatalogueSnapshot<StoredRelease>.load(previous: nil, pinned: [], from: registry.pool)
        return Catalogue(registry: registry, snapshot: snapshot, pollInterval: pollInterval, logger: logger)
    }

    /// The newest snapshot.
    public var snapshot: CatalogueSnapshot<StoredRelease> { state.withLock { $0.snapshot } }

    /// How long ago the snapshot was last known to be the database's state.
    public var age: Duration { state.withLock { $0.confirmed.duration(to: .now) } }

    /// A release by number or channel; one that no channel points to is read from the database once.
    ///
    /// - Parameter device: Whom it is for: a device in the share of a channel's canary gets the candidate.
    public func release(
        of model: String, _ selector: ReleaseSelector, for device: String? = nil
    ) async throws(RegistryError) -> StoredRelease {
        let snapshot = snapshot
        switch selector {
        case .channel(let channel):
            return try snapshot.release(of: model, channel: channel, for: device)
        case .number(let number):
            guard let entry = snapshot.models[model] else { throw Registry.noSuchModel(model) }
            if let release = entry.releases.first(where: { $0.number == number }) { return release }
            if let release = pinned(number, of: model) { return release }
            let record = try await registry.release(of: model, .number(number))
            let release = try await registry.pool.registryTransaction(readOnly: true) { connection in
                try await StoredRelease.load(record.releaseID, model: model, number: number, on: connection)
            }
            state.withLock { state in
                state.pinned.removeAll { $0.releaseID == release.releaseID }
                state.pinned.append(release)
                if state.pinned.count > Self.maximumPinned { state.pinned.removeFirst() }
            }
            // The snapshot has measured costs of the releases in use alone: from now on of this one, too.
            try await refresh()
            return release
        }
    }

    private func pinned(_ number: Int, of model: String) -> StoredRelease? {
        state.withLock { state in
            guard let index = state.pinned.firstIndex(where: { $0.number == number && $0.model == model }) else {
                return nil
            }
            let release = state.pinned.remove(at: index)
            state.pinned.append(release)
            return release
        }
    }

    /// Reads the catalogue again now.
    public func refresh() async throws(RegistryError) {
        let started = ContinuousClock.now
        let (previous, pinned, isSuspect) = state.withLock { state in
            state.isSuspect ? (nil, [], true) : (state.snapshot, state.pinned, false)
        }
        let fresh = try await CatalogueSnapshot<StoredRelease>.load(
            previous: previous, pinned: pinned, from: registry.pool)
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            // Two loads at once may end in either order: the one that began later wins.
            guard started >= state.confirmed else { return [] }
            if isSuspect { (state.pinned, state.isSuspect) = ([], false) }
            state.snapshot = fresh
            state.generation += 1
            state.confirmed = started
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Reads the catalogue again after this process's own change, so that its next answer shows it. The change is
    /// committed whatever happens here, so that a failure is only logged: the notification brings it later.
    public func refreshAfterChange() async {
        await refreshOrLog()
    }

    /// Waits until a snapshot newer than that of `generation` is there, or the task is cancelled.
    private func snapshot(after generation: Int) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if Task.isCancelled || state.generation != generation { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    /// Waits until a channel points to another release than `after`, or gives a device another one.
    ///
    /// - Returns: The channel's release, whether or not it changed before the task was cancelled.
    public func release(
        of model: String, channel: String, otherThan after: Int, for device: String? = nil
    ) async throws(RegistryError) -> StoredRelease {
        while true {
            let (snapshot, generation) = state.withLock { ($0.snapshot, $0.generation) }
            let release = try snapshot.release(of: model, channel: channel, for: device)
            if release.number != after || Task.isCancelled { return release }
            await self.snapshot(after: generation)
        }
    }
}

extension Catalogue {
    /// Keeps the snapshot fresh until the task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.follow() }
            group.addTask { await self.poll() }
        }
    }

    /// Reads again after each notification; those that come while it reads are answered by one more reading.
    private func follow() async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in changes { await self.refreshUntilRead() }
            }
            let listener = PostgresListener(
                pool: registry.pool, channels: ["eclm_catalogue", "eclm_channels"],
                logger: logger)
            var hasListened = false
            for await event in listener {
                switch event {
                case .connected:
                    logger.debug("listening for catalogue changes")
                    // What comes back may be another database under the same name.
                    if hasListened { state.withLock { $0.isSuspect = true } }
                    hasListened = true
                case .notification(let channel, _):
                    logger.debug("catalogue changed", metadata: ["channel": "\(channel)"])
                }
                change.yield()
            }
            change.finish()
        }
    }

    private func poll() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: pollInterval)
            if !Task.isCancelled { await refreshOrLog() }
        }
    }

    /// Reads again after a change that is known: what failed is tried again, since nobody tells of it another time.
    private func refreshUntilRead() async {
        let backoff = Backoff(first: .milliseconds(200), longest: pollInterval)
        var failures = 0
        while !Task.isCancelled, !(await refreshOrLog()) {
            failures += 1
            try? await Task.sleep(for: backoff.pause(afterFailures: failures))
        }
    }

    /// - Returns: Whether there is nothing left to read.
    @discardableResult
    private func refreshOrLog() async -> Bool {
        do {
            try await refresh()
            return true
        } catch  where error.code == .cancelled {
            return true
        } catch {
            logger.warning("the catalogue could not be read; the last one goes on", metadata: ["error": "\(error)"])
            return false
        }
    }
}
