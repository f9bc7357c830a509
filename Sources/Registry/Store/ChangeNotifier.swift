import ECLMCore
public import Logging
public import PostgreSQL
import Synchronization

/// Notifies other programs of changes once they are committed, of many together.
///
/// PostgreSQL lets one transaction at a time commit notifications. A program in which many commit at once gives its
/// ``Registry`` a notifier: its submissions and publications then notify outside of their transactions, at most once in
/// ``interval`` and each channel and payload once. Without one the database's triggers notify within the transaction.
///
/// A notification is a hint. One that is lost, since the program ended or the database was away, is made up for by those
/// who listen: they look by themselves from time to time.
public final class ChangeNotifier: Sendable {
    /// What is told on a channel of `pg_notify`; docs/schema.md lists them.
    struct Change: Sendable, Hashable {
        var channel: String
        var payload: String

        static func updates(_ model: ModelID) -> Change { Change(channel: "eclm_updates", payload: "\(model)") }
        static let releases = Change(channel: "eclm_catalogue", payload: "releases")
        static func channel(_ name: String, of model: ModelID, at release: ReleaseID) -> Change {
            // A channel's name has no character that JSON would escape.
            Change(
                channel: "eclm_channels",
                payload: "{\"model_id\" : \(model), \"channel\" : \"\(name)\", \"release_id\" : \(release)}")
        }
    }

    private struct State {
        var waiting: Set<Change> = []
        var sending: Task<Void, Never>?
        var last: ContinuousClock.Instant?
    }

    /// The least time between two notifications.
    public let interval: Duration
    private let pool: PostgresPool
    private let logger: Logger
    private let state = Mutex(State())

    /// A notifier that sends over one of the pool's connections.
    public init(pool: PostgresPool, interval: Duration = .milliseconds(50), logger: Logger) {
        self.pool = pool
        self.interval = interval
        self.logger = logger
    }

    /// Notifies soon: at once, where nothing was sent for ``interval``.
    func tell(_ changes: [Change]) {
        state.withLock { state in
            state.waiting.formUnion(changes)
            guard state.sending == nil, !state.waiting.isEmpty else { return }
            let due = state.last.map { $0 + interval } ?? .now
            state.sending = Task { await self.send(at: due) }
        }
    }

    /// Sends what waits, and returns when it was sent.
    public func flush() async {
        while let sending = state.withLock({ $0.sending }) {
            sending.cancel()
            await sending.value
        }
    }

    private func send(at due: ContinuousClock.Instant) async {
        // Cut short by a cancellation, which is no reason not to send.
        if due > .now { try? await Task.sleep(until: due, clock: .continuous) }
        let changes = state.withLock { state in
            state.last = .now
            defer { state.waiting = [] }
            return Array(state.waiting)
        }
        await Task { await notify(changes) }.value
        state.withLock { state in
            state.sending = nil
            guard !state.waiting.isEmpty else { return }
            let due = ContinuousClock.now + interval
            state.sending = Task { await self.send(at: due) }
        }
    }

    private func notify(_ changes: [Change]) async {
        do {
            _ = try await pool.query(
                """
                SELECT pg_notify(n.channel, n.payload)
                FROM unnest(\(changes.map(\.channel)), \(changes.map(\.payload))) n (channel, payload)
                """, retry: .idempotent)
        } catch {
            logger.debug("a notification was lost", metadata: ["error": "\(error)"])
        }
    }
}
