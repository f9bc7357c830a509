public import ECLMCore
public import Logging

/// Notifications that survive the loss of a connection: a sequence with a connection of its own, which it opens again,
/// with growing pauses, as often as it takes.
///
///     for await event in PostgresListener(configuration: configuration, channels: ["release"]) {
///         switch event {
///         case .connected: try await readEverything()
///         case .notification(_, let payload): try await read(payload)
///         }
///     }
///
/// Where a pooler stands in between, each connection is first tried: a notification must come back. One that does not is
/// logged with what to set, and tried again as a lost connection is.
///
/// The sequence ends when the task is cancelled.
public struct PostgresListener: AsyncSequence, Sendable {
    /// Failures are retried, not thrown.
    public typealias Failure = Never

    /// What a listener tells.
    public enum Event: Sendable, Hashable {
        /// Listening from now on. What was announced before is not known: re-read it. Comes first, after every loss of
        /// the connection, and when notifications had to be dropped because they were read too slowly.
        case connected
        case notification(channel: String, payload: String)
    }

    /// Where to connect.
    public let configuration: PostgresConfiguration
    /// Whose idle connections are dropped when the listener's is lost: what broke one will have broken the others.
    private let pool: PostgresPool?
    /// The channels to listen to.
    public let channels: [String]
    /// How often a quiet connection is asked whether it still stands.
    public var heartbeat: Duration = .seconds(30)
    /// The pauses between attempts to connect.
    public var backoff = Backoff(first: .milliseconds(100), longest: .seconds(10))
    private let logger: Logger

    /// A listener; it connects when it is first asked for an event.
    public init(
        configuration: PostgresConfiguration, channels: [String], logger: Logger = Logger(label: "eclm.postgresql")
    ) {
        self.configuration = configuration
        self.channels = channels
        self.logger = logger
        pool = nil
    }

    /// A listener to the database of a pool; it connects when it is first asked for an event.
    ///
    /// When its connection is lost, or none can be made, the pool's idle connections are dropped: what broke one will have
    /// broken the others, and a server without room for one more has it then.
    public init(pool: PostgresPool, channels: [String], logger: Logger = Logger(label: "eclm.postgresql")) {
        configuration = pool.configuration
        self.channels = channels
        self.logger = logger
        self.pool = pool
    }

    /// The connection to listen with was lost, or could not be made.
    fileprivate func lost() { pool?.dropIdle() }

    /// A connection and its subscription; each iterator has its own.
    public func makeAsyncIterator() -> Iterator { Iterator(listener: self) }

    /// Connects and reads.
    public struct Iterator: AsyncIteratorProtocol {
        /// Failures are retried, not thrown.
        public typealias Failure = Never

        private let listener: PostgresListener
        private var session: ListenerSession?
        private var failures = 0

        init(listener: PostgresListener) { self.listener = listener }

        /// The next event; `nil` when the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> Event? {
            while !Task.isCancelled {
                do {
                    if let session {
                        if let notification = try await session.next(isolation: actor) {
                            failures = 0
                            return .notification(channel: notification.channel, payload: notification.payload)
                        }
                        if Task.isCancelled { break }
                        self.session = nil
                    } else {
                        session = try await ListenerSession.start(listener, logger: listener.logger)
                        return .connected
                    }
                } catch {
                    session = nil
                    if Task.isCancelled { break }
                    listener.lost()
                    listener.logger.warning("PostgreSQL listener: \(error)")
                    await pause()
                }
            }
            session = nil
            return nil
        }

        nonisolated(nonsending)
            private mutating func pause() async
        {
            failures = Swift.min(failures, .max - 1) + 1
            try? await Task.sleep(for: listener.backoff.pause(afterFailures: failures))
        }
    }
}

/// One connection of a listener.
///
/// Ends with its last reference: the heartbeat stops, and the connection closes.
private final class ListenerSession {
    private let connection: PostgresConnection
    private var iterator: AsyncThrowingStream<PostgresNotification, any Error>.Iterator
    private let heartbeat: Task<Void, Never>

    nonisolated(nonsending)
        static func start(_ listener: PostgresListener, logger: Logger) async throws -> ListenerSession
    {
        let connection = try await PostgresConnection.connect(listener.configuration.forListening, logger: logger)
        do {
            let stream = try await connection.listenAnyway(listener.channels)
            if connection.isPooled { try await NotificationEcho.require(on: connection, from: listener.configuration) }
            return ListenerSession(connection, stream, every: listener.heartbeat)
        } catch {
            await connection.close()
            throw error
        }
    }

    private init(
        _ connection: PostgresConnection, _ stream: AsyncThrowingStream<PostgresNotification, any Error>,
        every interval: Duration
    ) {
        self.connection = connection
        iterator = stream.makeAsyncIterator()
        heartbeat = Task {
            while (try? await Task.sleep(for: interval)) != nil {
                // A server that has vanished without a word says nothing for as long as TCP retries; this does not wait.
                let late = Task {
                    guard (try? await Task.sleep(for: max(interval, .seconds(1)))) != nil else { return }
                    await connection.close()
                }
                _ = try? await connection.query("SELECT 1")
                late.cancel()
            }
        }
    }

    func next(isolation actor: isolated (any Actor)?) async throws -> PostgresNotification? {
        try await iterator.next(isolation: actor)
    }

    deinit {
        heartbeat.cancel()
        let connection = connection
        Task { await connection.close() }
    }
}
