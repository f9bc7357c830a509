public import ArgumentParser
import ECLMCore

/// Runs a program's command line. Wrong usage is reported as every other error is: as text with the usage, or as
/// `{"error": {…}}` where the command line asks for JSON.
public func runProgram<Root: AsyncParsableCommand>(_ root: Root.Type, _ arguments: [String]) async {
    do {
        var command = try await Root.asyncParseAsRoot(arguments)
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            try command.run()
        }
    } catch {
        if let text = UsageFailure.json(of: error, in: root, arguments) {
            StandardStream.error.write(text)
            Root.exit(withError: ExitCode.validationFailure)
        }
        Root.exit(withError: error)
    }
}

/// Wrong usage, for programs.
enum UsageFailure {
    /// The report of an error that is about the command line; `nil` where people are to read it, and for other ends.
    static func json<Root: ParsableCommand>(
        of error: any Error, in root: Root.Type, _ arguments: [String]
    ) -> String? {
        guard asksForJSON(arguments), !(error is ExitCode), Root.exitCode(for: error) == .validationFailure else {
            return nil
        }
        // "Error: …", then perhaps help for the option, "Usage: …" and where help is.
        let usage = Root.fullMessage(for: error).split(separator: "\n").first { $0.hasPrefix("Usage: ") }
        let failure = CommandFailure(.usage, Root.message(for: error), hint: usage.map(String.init))
        return FailureReport(failure).text(.json)
    }

    /// Whether the words name JSON as the output, wherever they stand: what is wrong with them may come before.
    static func asksForJSON(_ arguments: [String]) -> Bool {
        let words = arguments.prefix { $0 != "--" }
        guard let place = words.lastIndex(where: { $0 == "--output" || $0.hasPrefix("--output=") }) else {
            return false
        }
        if words[place] == "--output" { return words.dropFirst(place + 1).first == OutputFormat.json.rawValue }
        return words[place] == "--output=\(OutputFormat.json.rawValue)"
    }
}
