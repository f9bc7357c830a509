public import ArgumentParser
public import Logging

/// The options every command has.
public struct GlobalOptions: ParsableArguments {
    /// For whom to print.
    @Option(name: .long, help: "How to print the result: table for people, json for programs.")
    public var output: OutputFormat = .table

    /// The least severe messages to log.
    @Option(name: .long, help: "Log messages of this level and above to standard error.")
    public var logLevel: LogLevel = .warning

    /// Whether remarks and progress are left out.
    @Flag(name: .long, help: "Print the result only, without remarks and progress.")
    public var quiet = false

    /// The options at their defaults.
    public init() {}

    /// Where the command prints.
    public var commandOutput: CommandOutput { CommandOutput(format: output, isQuiet: quiet) }
}

/// The options of a daemon's log.
public struct LogOptions: ParsableArguments {
    /// The least severe messages to log.
    @Option(name: .long, help: "Log messages of this level and above to standard error.")
    public var logLevel: LogLevel = .info

    /// How a log line is written.
    @Option(name: .long, help: "How to write a log line: logfmt (key=value) or json.")
    public var logFormat: LogFormat = .logfmt

    /// The options at their defaults.
    public init() {}
}

/// A log level by its name on the command line.
public struct LogLevel: Hashable, Sendable, ExpressibleByArgument {
    public var level: Logger.Level

    /// A level.
    public init(_ level: Logger.Level) { self.level = level }

    /// A level from its name, in any case; `nil` when there is none of that name.
    public init?(argument: String) {
        guard let level = Logger.Level(rawValue: argument.lowercased()) else { return nil }
        self.level = level
    }

    /// The level's name.
    public var defaultValueDescription: String { level.rawValue }

    /// The names of all levels.
    public static var allValueStrings: [String] { Logger.Level.allCases.map(\.rawValue) }

    /// Warnings and worse.
    public static let warning = LogLevel(.warning)
    /// What an operator wants to know of a running service, and worse.
    public static let info = LogLevel(.info)
}
