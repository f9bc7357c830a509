public import Logging

/// Writes log lines for machines and for people who grep: logfmt or JSON, one write a line.
public struct StructuredLogHandler: LogHandler {
    /// The least severe level that is written.
    public var logLevel: Logger.Level
    /// Fields that every line carries.
    public var metadata: Logger.Metadata = [:]
    /// Gives further fields at the time of the line.
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogFormat
    private let emit: @Sendable (String) -> Void

    /// A handler that writes to standard error.
    public init(
        label: String, format: LogFormat, level: Logger.Level, metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.init(label: label, format: format, level: level, metadataProvider: metadataProvider) {
            StandardStream.error.write($0)
        }
    }

    /// A handler that hands every line, line break included, to `emit`.
    public init(
        label: String, format: LogFormat, level: Logger.Level, metadataProvider: Logger.MetadataProvider? = nil,
        emit: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.format = format
        logLevel = level
        self.metadataProvider = metadataProvider
        self.emit = emit
    }

    /// One of the fields that every line carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let given = event.metadata { fields.merge(given) { _, new in new } }
        if let error = event.error { fields["error"] = .string("\(error)") }
        let line = LogLine(
            time: .now, level: event.level, logger: label, message: event.message.description,
            fields: fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) })
        emit(line.text(format) + "\n")
    }
}

/// One line of the log before it is text.
struct LogLine {
    var time: Timestamp
    var level: Logger.Level
    var logger: String
    var message: String
    var fields: [(key: String, value: String)]

    func text(_ format: LogFormat) -> String {
        let head = [("time", time.milliseconds), ("level", level.rawValue), ("logger", logger), ("msg", message)]
        let reserved = Set(head.map(\.0))
        // A field may not pass for one of the line's own.
        let all = head + fields.map { (reserved.contains($0.key) ? "field.\($0.key)" : $0.key, $0.value) }
        switch format {
        case .logfmt:
            return all.map { "\(Self.key($0.0))=\(Self.value($0.1))" }.joined(separator: " ")
        case .json:
            return "{" + all.map { "\(Self.quoted($0.0)):\(Self.quoted($0.1))" }.joined(separator: ",") + "}"
        }
    }

    private static func key(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
    }

    private static func value(_ text: String) -> String {
        let needsQuotes =
            text.isEmpty || text.unicodeScalars.contains { $0.value <= 0x20 || $0 == "=" || $0 == "\"" || $0 == "\\" }
        return needsQuotes || text != text.printable ? quoted(text) : text
    }

    /// A JSON string; whatever a terminal would act on is escaped too, since logs end up on terminals.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.isPrintable: result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }
}
