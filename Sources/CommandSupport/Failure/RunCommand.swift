import ArgumentParser
import ECLMCore

/// Runs a command's work and ends it as the contract says: the result on standard output, an error on standard error
/// (`error: …` and a hint, or `{"error": {…}}` with `--output json`), and the exit status of ``ExitStatus``.
///
/// - Throws: `ExitCode` after an error was printed; the argument parser's own errors as they are.
public func runCommand(
    _ options: GlobalOptions, isolation: isolated (any Actor)? = #isolation,
    _ body: (CommandOutput) async throws -> Void
) async throws {
    LoggingBootstrap.start(format: .logfmt, level: options.logLevel.level)
    let output = options.commandOutput
    do {
        try await body(output)
    } catch let error as ExitCode {
        throw error
    } catch let error as ValidationError {
        throw error
    } catch let error as CleanExit {
        throw error
    } catch {
        let report = FailureReport(error)
        StandardStream.error.write(report.text(output.format))
        throw ExitCode(report.status.code)
    }
}
