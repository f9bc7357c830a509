import Dispatch
public import Logging
import Synchronization

/// A bounded set of connections that are opened on demand, lent to one caller at a time, and replaced when they break.
///
/// Callers wait in line for a bounded time, and the line is bounded, too, so overload shows as `.poolExhausted` or
/// `.acquireTimedOut` and not as endless waiting.
///
/// - ``query(_:retry:)`` for a single statement
/// - ``transaction(isolation:readOnly:retries:_:)`` for several that belong together, repeated on serialization failures
/// - ``withConnection(_:)`` for everything else
public final class PostgresPool: Sendable {
    /// Whether a one-shot statement may be sent a second time.
    public enum Retry: Sendable {
        /// Sent once.
        case never
        /// Sent again, once, when the connection is lost: for statements that only read, or can be repeated without harm.
        case idempotent
    }

    /// How a pool is used right now.
    public struct Statistics: Sendable, Hashable {
        /// Open connections nobody uses.
        public var idle: Int
        /// Connections in use, or being opened for a caller.
        public var busy: Int
        /// Callers in line.
        public var waiting: Int
    }

    /// The configuration the pool was made with.
    public let configuration: PostgresConfiguration
    let logger: Logger
    private let line: PoolLine
    private let urgency = Urgency()
    /// When the log was last told that no further connection can be had.
    private let complained = Mutex<ContinuousClock.Instant?>(nil)

    /// A pool without connections; nothing is opened, and a wrong configuration shows, at first use.
    public init(configuration: PostgresConfiguration, logger: Logger = Logger(label: "eclm.postgresql")) {
        self.configuration = configuration
        self.logger = logger
        line = PoolLine(
            capacity: configuration.maximumConnections, maximumWaiters: configuration.maximumWaiters,
            timeout: configuration.acquireTimeout)
    }

    /// How the pool is used right now.
    public var statistics: Statistics { line.statistics }

    /// Lends a connection to `body`. Afterwards the connection must not be used: a transaction left open is rolled back,
    /// and channels are unsubscribed. Settings changed with SET and session-level advisory locks do stay, and behind a pooler
    /// that lends its sessions they are somebody else's, so use their transaction-level forms.
    public func withConnection<R: Sendable>(
        _ body: @Sendable (PostgresConnection) async throws -> R
    ) async throws -> R {
        let core = try await acquire()
        let scope = ConnectionScope(depth: 0)
        do {
            let value = try await body(PostgresConnection(core: core, scope: scope))
            await giveBack(core, scope)
            return value
        } catch {
            await giveBack(core, scope)
            throw error
        }
    }

    /// Runs one statement.
    @discardableResult
    public func query(_ sql: SQL, retry: Retry = .never) async throws -> PostgresResult {
        do {
            return try await withConnection { try await $0.query(sql) }
        } catch let error as PostgresError where error.code == .connectionLost && retry == .idempotent {
            logger.debug("repeating a statement after a lost connection")
            dropIdle()  // what broke one connection, such as a failover, will have broken the others
            return try await withConnection { try await $0.query(sql) }
        }
    }

    /// Runs `body` in a transaction, and again, from the start, after a serialization failure, a deadlock, or a change of
    /// schema under a prepared statement. `body` must therefore have no effects outside the transaction.
    /// - Parameters:
    ///   - isolation: the level; `nil` for READ COMMITTED, whatever the server's default.
    ///   - readOnly: lets the server refuse writes.
    ///   - retries: how often it is repeated at most, with growing, random pauses.
    public func transaction<R: Sendable>(
        isolation: PostgresIsolation? = nil, readOnly: Bool = false, retries: Int = 3,
        _ body: @Sendable (PostgresConnection) async throws -> R
    ) async throws -> R {
        var attempt = 0
        var isFirstConnection = true
        while true {
            let begun = Atomic<Bool>(false)
            do {
                return try await withConnection {
                    try await $0.transaction(isolation: isolation, readOnly: readOnly) {
                        begun.store(true, ordering: .relaxed)
                        return try await body($0)
                    }
                }
            } catch let error as PostgresError
                where error.code == .connectionLost && !begun.load(ordering: .relaxed) && isFirstConnection
            {
                // The connection had been lost before, and nobody had noticed: nothing was done over it.
                isFirstConnection = false
                dropIdle()
            } catch let error as PostgresError where Self.repeatable.contains(error.code) && attempt < retries {
                attempt += 1
                logger.debug("repeating a transaction", metadata: ["attempt": "\(attempt)", "reason": "\(error.code)"])
                let limit = min(10 << min(attempt, 10), 1000)
                do {
                    try await Task.sleep(for: .milliseconds(Int.random(in: limit / 4...limit)))
                } catch {
                    throw PostgresError.taskCancelled
                }
            }
        }
    }

    /// Closes the connections that nobody uses.
    func dropIdle() { line.dropIdle() }

    /// For a program that is about to end: from now on a server that is silent, or a host that does not answer, is waited
    /// for two seconds and no longer. What the server works on goes on.
    public func hurry() { urgency.begin() }

    private static let repeatable: Set<PostgresError.Code> = [.serializationFailure, .deadlock, .planInvalidated]

    /// Refuses new callers, waits until all connections are back, and closes them.
    ///
    /// When the task is cancelled while it waits, the connections still in use are left to be closed on their return.
    public func shutdown() async {
        let idle = await line.shutdown()
        for core in idle { await core.close() }
    }

    private func acquire() async throws -> ConnectionCore {
        let deadline = ContinuousClock.now + configuration.acquireTimeout
        var failure: PostgresError?
        while true {
            switch try await line.enter(until: deadline, after: failure) {
            case .connection(let core): return core
            case .slot:
                do {
                    let core = try await ConnectionCore.connect(configuration, urgency: urgency, logger: logger)
                    line.opened()
                    return core
                } catch {
                    // Where there are others, one of them will do.
                    guard line.couldNotOpen(), let error = error as? PostgresError, error.code != .cancelled else {
                        throw error
                    }
                    complain(error)
                    failure = error
                }
            }
        }
    }

    private func complain(_ error: PostgresError) {
        let isTime = complained.withLock { last in
            let now = ContinuousClock.now
            if let last, now - last < .seconds(60) { return false }
            last = now
            return true
        }
        guard isTime else { return }
        logger.warning(
            "no further connection to the database; those that there are serve everybody",
            metadata: ["connections": "\(statistics.idle + statistics.busy)", "error": "\(error)"])
    }

    private func giveBack(_ core: ConnectionCore, _ scope: ConnectionScope) async {
        await scope.gate.close("the connection went back to its pool; it must not be kept")
        do {
            try await core.reset()
            line.leave(with: core)
        } catch {
            await core.close()
            line.leave(with: nil)
        }
    }
}
