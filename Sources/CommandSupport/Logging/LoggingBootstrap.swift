public import Logging
import Synchronization

/// Sends every logger's lines to standard error in one format.
public enum LoggingBootstrap {
    /// Starts logging for the process; only the first call counts.
    public static func start(format: LogFormat, level: Logger.Level) {
        requested.withLock { $0 = $0 ?? (format, level) }
        _ = once
    }

    private static let requested = Mutex<(LogFormat, Logger.Level)?>(nil)

    // The logging system traps when it is set up twice; a lazy static runs once, whoever comes first.
    private static let once: Void = {
        let (format, level) = requested.withLock { $0 } ?? (.logfmt, .info)
        LoggingSystem.bootstrap(
            { label, provider in
                StructuredLogHandler(label: label, format: format, level: level, metadataProvider: provider)
            }, metadataProvider: nil)
    }()
}
