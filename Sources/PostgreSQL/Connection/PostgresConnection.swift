public import Logging
import Synchronization

/// A connection to PostgreSQL.
///
/// Calls from several tasks run one after another in order of arrival. Cancelling a task cancels its statement in the
/// server and leaves the connection usable. No call blocks a thread.
///
/// All methods throw ``PostgresError``; a closure's own errors come through unchanged.
///
/// - ``query(_:)`` for a statement, ``execute(script:)`` for several without parameters, ``pipeline(_:)`` for a batch
/// - ``transaction(isolation:readOnly:_:)`` for several that belong together
/// - ``copyIn(_:_:)`` and ``copyOut(_:_:)`` for bulk data
/// - ``listen(_:)`` for notifications
///
/// Each session is given the settings that this module relies on, and every transaction its isolation level, whatever the
/// server, the database or the login has set. Behind a pooler that lends sessions, a statement outside a transaction is
/// sent as a transaction of its own, in one round trip; statements that cannot run in one are then refused by the server.
public final class PostgresConnection: Sendable {
    let core: ConnectionCore
    let scope: ConnectionScope

    init(core: ConnectionCore, scope: ConnectionScope) {
        self.core = core
        self.scope = scope
    }

    /// Connects, trying the hosts as libpq does.
    /// - Throws: `.connectionFailed` with libpq's reason for each host, `.usage` for a malformed configuration.
    public static func connect(
        _ configuration: PostgresConfiguration, logger: Logger = Logger(label: "eclm.postgresql")
    ) async throws -> PostgresConnection {
        let core = try await ConnectionCore.connect(configuration, logger: logger)
        return PostgresConnection(core: core, scope: ConnectionScope(depth: 0))
    }

    /// Whether the connection still stood when last heard of.
    public var isOpen: Bool { core.isOpen.load(ordering: .acquiring) }

    /// Whether a pooler stands between this process and the session: another process of the server answers than was named
    /// when the connection was made.
    public var isPooled: Bool { core.isPooled.load(ordering: .acquiring) }

    /// Whether a pooler lends the session for single transactions, so that nothing may be left to it. See
    /// ``PostgresConfiguration/poolerMode``.
    public var isLent: Bool { core.isLent.load(ordering: .acquiring) }

    /// Ends the connection. A statement in flight fails with `.connectionLost`.
    public func close() async { await core.close() }

    /// Runs one statement with binary parameters and results; its plan is cached on this connection.
    ///
    /// A cached statement whose tables changed is prepared again, unless that happens inside a transaction, where the
    /// error is `.planInvalidated` and the transaction has to be repeated.
    @discardableResult
    public func query(_ sql: SQL) async throws -> PostgresResult {
        let statement = try sql.statement()
        return try await exclusively { PostgresResult(storage: try await core.query(statement)) }
    }

    /// Runs several statements separated by semicolons, in one implicit transaction unless they say otherwise.
    public func execute(script: String) async throws {
        try await exclusively { try await core.script(script) }
    }

    /// Sends all statements in one go and returns their results in order. They are one implicit transaction: all take
    /// effect, or none.
    /// - Throws: the first statement's error, with ``PostgresError/statementIndex``.
    public func pipeline(_ statements: [SQL]) async throws -> [PostgresResult] {
        let batch = try statements.map { try $0.statement() }
        return try await exclusively { try await core.pipeline(batch).map(PostgresResult.init(storage:)) }
    }

    /// Subscribes to channels and returns their notifications from now on.
    ///
    /// The stream ends with `.connectionLost` when the connection is lost, and with `.notificationsDropped` when it is read
    /// too slowly. The server keeps the subscription until the connection closes or goes back to its pool.
    /// - Throws: `.sessionLent` where a pooler lends the session: its notifications would be lost.
    public func listen(_ channels: [String]) async throws -> AsyncThrowingStream<PostgresNotification, any Error> {
        guard !isLent else { throw PostgresError.lentListener }
        return try await listenAnyway(channels)
    }

    /// Subscribes even where a pooler stands in between; for those who then look whether anything comes.
    func listenAnyway(_ channels: [String]) async throws -> AsyncThrowingStream<PostgresNotification, any Error> {
        try await exclusively { try await core.listen(channels) }
    }

    nonisolated(nonsending)
        func exclusively<R>(_ body: nonisolated(nonsending) () async throws -> R) async throws -> R
    {
        try await scope.gate.acquire()
        defer { scope.gate.release() }
        return try await body()
    }
}
