import CLibPQ
import Logging

/// Where libpq's notice processor leads.
final class NoticeSink: Sendable {
    let logger: Logger
    init(logger: Logger) { self.logger = logger }

    /// Sends the connection's notices to `logger` at level debug; the caller releases the sink after `PQfinish`.
    static func install(on connection: OpaquePointer, logger: Logger) -> Unmanaged<NoticeSink> {
        let sink = Unmanaged.passRetained(NoticeSink(logger: logger))
        PQsetNoticeProcessor(
            connection,
            { context, message in
                guard let context, let message else { return }
                let sink = Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue()
                sink.logger.debug("PostgreSQL: \(String(cString: message).trimmedLine)")
            }, sink.toOpaque())
        return sink
    }
}
