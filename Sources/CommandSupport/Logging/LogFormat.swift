public import ArgumentParser

/// How a log line is written.
public enum LogFormat: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// `time=… level=… logger=… msg="…" key=value`.
    case logfmt
    /// A JSON object a line.
    case json
}
