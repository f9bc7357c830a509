import Logging

extension PostgresPool {
    /// What stands between this process and PostgreSQL, as connections found it.
    public struct Examination: Sendable, Hashable {
        /// Another process of the server answers than was named when the connection was made.
        public var isPooled: Bool
        /// Sessions are lent for single transactions, and this pool leaves nothing to them.
        public var isLent: Bool
        /// Whether what is sent over the pool is heard by those who listen; `nil` where that was not asked, or the
        /// server is a standby, which has no notifications.
        public var hearsNotifications: Bool?

        /// What was found.
        public init(isPooled: Bool, isLent: Bool, hearsNotifications: Bool? = nil) {
            self.isPooled = isPooled
            self.isLent = isLent
            self.hearsNotifications = hearsNotifications
        }
    }

    /// Tries what programs rely on before they answer anybody, and logs what it finds.
    ///
    /// - Parameter listens: Whether the program listens for notifications.
    /// - Throws: `.sessionLent`, saying what to set, where a pooler lends sessions that this pool takes for its own, or where
    ///   notifications are not heard; what connecting throws.
    @discardableResult
    public func examine(listens: Bool) async throws -> Examination {
        // What is prepared in one session and run in another would fail before anything could be told.
        var unprepared = configuration
        unprepared.statementCacheSize = 0
        let connection = try await PostgresConnection.connect(unprepared, logger: logger)
        var found = Examination(isPooled: connection.isPooled, isLent: connection.isLent)
        let isLent: Bool
        do {
            isLent = connection.isLent ? true : try await sharesSession(of: connection)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        guard isLent == found.isLent else {
            throw PostgresError(
                code: .sessionLent,
                message: "a pooler lends the sessions of this database for single transactions, and others use them in "
                    + "between: set pooler-mode to transaction (ECLM_POOLER_MODE=transaction), or the pooler's pool_mode to "
                    + "session")
        }
        if listens { found.hearsNotifications = try await hearsNotifications() }
        log(found)
        return found
    }

    /// Whether somebody else runs in the session of a connection that takes it for its own.
    private func sharesSession(of connection: PostgresConnection) async throws -> Bool {
        let own = try await Self.session(of: connection)
        var other = connection.core.configuration
        other.poolerMode = .session
        let rival: PostgresConnection
        do {
            rival = try await PostgresConnection.connect(other, logger: logger)
        } catch {
            // No room for another connection: then nobody else's sessions can be looked at.
            logger.debug("no second connection to compare sessions with", metadata: ["reason": "\(error)"])
            return false
        }
        defer { Task { await rival.close() } }
        // A pooler may hand its sessions out in turn or take the last one again: asking more than once shows either.
        for _ in 0..<3 where try await Self.session(of: connection) != own { return true }
        guard try await Self.session(of: rival) != own else { return true }
        return try await rival.transaction { rival in
            guard try await Self.session(of: rival) != own else { return true }
            return try await Self.session(of: connection) != own
        }
    }

    private static func session(of connection: PostgresConnection) async throws -> Int32 {
        try await connection.query("SELECT pg_backend_pid() AS session").one().decode("session")
    }

    private func hearsNotifications() async throws -> Bool? {
        let listening = try await PostgresConnection.connect(configuration.forListening, logger: logger)
        do {
            try await NotificationEcho.require(on: listening) { try await self.query($0) }
            await listening.close()
            return true
        } catch let error as PostgresError where error.code == .readOnly {
            // A standby takes neither LISTEN nor NOTIFY.
            await listening.close()
            return nil
        } catch {
            await listening.close()
            throw error
        }
    }

    private func log(_ found: Examination) {
        let metadata: Logger.Metadata = [
            "pooler": found.isPooled ? "yes" : "no", "sessions": found.isLent ? "lent" : "own",
            "notifications": found.hearsNotifications.map { $0 ? "heard" : "lost" } ?? "not tried",
        ]
        if found.isLent, configuration.poolerMode == .automatic {
            logger.notice(
                "a pooler stands before the database: nothing is prepared, and every transaction brings its settings",
                metadata: metadata)
        } else {
            logger.info("looked at the connections to the database", metadata: metadata)
        }
    }
}
