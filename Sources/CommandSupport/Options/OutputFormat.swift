public import ArgumentParser

/// For whom a command prints its result.
public enum OutputFormat: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// Aligned text for people.
    case table
    /// One JSON document for programs.
    case json
}
