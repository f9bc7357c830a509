import CLibPQ
import Logging

/// One subscriber to a connection's notifications.
struct NotificationStream {
    let channels: Set<String>
    let continuation: AsyncThrowingStream<PostgresNotification, any Error>.Continuation
}

extension ConnectionCore {
    /// Notifications a subscriber may leave unread.
    private static let maximumUnread = 16 * 1024

    /// Runs LISTEN for each channel and returns their notifications from then on.
    func listen(_ channels: [String]) async throws -> AsyncThrowingStream<PostgresNotification, any Error> {
        guard !channels.isEmpty, channels.allSatisfy({ (1...63).contains($0.utf8.count) }) else {
            throw PostgresError(code: .usage, message: "listen takes channel names of 1 to 63 bytes")
        }
        let commands = channels.map { "LISTEN \(quotedIdentifier($0))" }.joined(separator: "; ")
        try checkStatementText(commands)
        // Registered first, so that nothing sent right after LISTEN took effect is missed.
        let (stream, continuation) = AsyncThrowingStream.makeStream(
            of: PostgresNotification.self, throwing: (any Error).self,
            bufferingPolicy: .bufferingOldest(Self.maximumUnread))
        nextStreamID += 1
        let id = nextStreamID
        notificationStreams[id] = NotificationStream(channels: Set(channels), continuation: continuation)
        hasListened = true
        do {
            try await run { _ = try await simple(commands) }
        } catch {
            notificationStreams[id] = nil
            continuation.finish(throwing: error)
            throw error
        }
        // Holds the connection as long as somebody reads the stream.
        continuation.onTermination = { _ in Task { await self.endStream(id) } }
        return stream
    }

    private func endStream(_ id: UInt64) { notificationStreams[id] = nil }

    /// Hands on what libpq has received.
    func deliverNotifications() {
        while let handle, let pointer = PQnotifies(handle) {
            let notification = PostgresNotification(
                channel: String(cString: pointer.pointee.relname), payload: String(cString: pointer.pointee.extra),
                processID: pointer.pointee.be_pid)
            PQfreemem(pointer)
            for (id, stream) in notificationStreams where stream.channels.contains(notification.channel) {
                if case .dropped = stream.continuation.yield(notification) {
                    notificationStreams[id] = nil
                    stream.continuation.finish(
                        throwing: PostgresError(
                            code: .notificationsDropped,
                            message: "more than \(Self.maximumUnread) notifications were left unread; "
                                + "listen again and re-read what they announce"))
                }
            }
        }
    }

    /// Makes the connection fit for its next user: no transaction, no channels.
    func reset() async throws {
        if PQtransactionStatus(try live()) != PQTRANS_IDLE {
            logger.warning("a connection came back to the pool inside a transaction; rolling it back")
            try await control("ROLLBACK", shielded: true)
        }
        if hasListened {
            try await control("UNLISTEN *", shielded: true)
            hasListened = false
            for stream in notificationStreams.values { stream.continuation.finish() }
            notificationStreams = [:]
        }
    }
}
