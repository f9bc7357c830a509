import ArgumentParser
import ECLMCore
public import Logging

/// Runs a daemon's work and ends it as the contract says: an error is one critical line in the log and the exit status
/// of ``ExitStatus``.
///
/// - Throws: `ExitCode` after an error was logged; the argument parser's own errors as they are.
public func runDaemon(
    _ name: String, _ log: LogOptions, isolation: isolated (any Actor)? = #isolation,
    _ body: (Logger) async throws -> Void
) async throws {
    LoggingBootstrap.start(format: log.logFormat, level: log.logLevel.level)
    let logger = Logger(label: name)
    do {
        try await body(logger)
    } catch let error as ValidationError {
        throw error
    } catch {
        let report = FailureReport(error)
        logger.critical(
            "\(name) cannot go on", metadata: ["error": "\(report.message)", "hint": "\(report.hint ?? "")"])
        throw ExitCode(report.status.code)
    }
}
