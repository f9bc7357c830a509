/// Sends a notification to a connection that listens, and looks whether it comes.
///
/// Through a pooler that lends its sessions LISTEN succeeds, and nothing is ever heard.
enum NotificationEcho {
    /// How long a notification may take.
    static let patience = Duration.seconds(5)

    /// Makes sure that what is sent over a connection of `configuration` is heard on `connection`.
    /// - Throws: `.sessionLent` saying what to set where nothing is heard; what connecting and sending throw.
    static func require(on connection: PostgresConnection, from configuration: PostgresConfiguration) async throws {
        let sender = try await PostgresConnection.connect(configuration)
        do {
            try await require(on: connection) { try await sender.query($0) }
            await sender.close()
        } catch {
            await sender.close()
            throw error
        }
    }

    /// Makes sure that what `send` sends is heard on `connection`.
    /// - Throws: `.sessionLent` saying what to set where nothing is heard; what `send` throws.
    static func require(
        on connection: PostgresConnection, sentBy send: @Sendable (SQL) async throws -> Void
    ) async throws {
        let channel = "eclm_echo_" + String(UInt64.random(in: .min ... .max), radix: 16)
        let stream = try await connection.listenAnyway([channel])
        try await send("SELECT pg_notify(\(channel), '')")
        let isHeard = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                var iterator = stream.makeAsyncIterator()
                return (try? await iterator.next()) != nil
            }
            group.addTask {
                try? await Task.sleep(for: patience)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
        guard !isHeard else { return }
        if Task.isCancelled { throw PostgresError.taskCancelled }
        throw PostgresError.lentListener
    }
}

extension PostgresError {
    /// Somebody would listen and never hear anything.
    static let lentListener = PostgresError(
        code: .sessionLent,
        message: "notifications of this database are not heard on the connection that listens: a pooler lends the "
            + "session, or it leads to another database; name a way past the pooler to the same database "
            + "(listen-database, ECLM_LISTEN_DATABASE)")
}
