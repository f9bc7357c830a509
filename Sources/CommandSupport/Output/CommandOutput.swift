/// Where a command prints its result: a document for programs or text for people, on standard output.
///
/// Remarks go to standard error, so that a pipe only ever holds the result.
public struct CommandOutput: Sendable {
    /// For whom the command prints.
    public let format: OutputFormat
    /// Whether remarks and progress are left out.
    public let isQuiet: Bool

    /// An output in a format.
    public init(format: OutputFormat, isQuiet: Bool = false) {
        self.format = format
        self.isQuiet = isQuiet
    }

    /// Prints a result: `value` as JSON, or what `text` makes for people of the terminal's width (`nil`: no terminal).
    ///
    /// - Throws: What encoding the value throws.
    public func result(_ value: some Encodable, text: (_ width: Int?) -> String) throws {
        switch format {
        case .json: StandardStream.output.write(try JSONDocument.text(value))
        case .table:
            let text = text(StandardStream.output.width)
            StandardStream.output.write(text.isEmpty || text.hasSuffix("\n") ? text : text + "\n")
        }
    }

    /// Prints a result: `value` as JSON, or a table, or what to say of an empty one.
    ///
    /// - Throws: What encoding the value throws.
    public func result(_ value: some Encodable, table: Table, ifEmpty remark: String) throws {
        if format == .table, table.isEmpty {
            self.remark(remark)
            return
        }
        try result(value) { table.rendered(width: $0) }
    }

    /// Prints one event of a stream: a line of JSON, or a line for people.
    ///
    /// - Throws: What encoding the value throws.
    public func event(_ value: some Encodable, line: String) throws {
        switch format {
        case .json: StandardStream.output.write(try JSONDocument.line(value) + "\n")
        case .table: StandardStream.output.write(line.printable + "\n")
        }
    }

    /// Says something beside the result, to people only: on standard error, and not with `--quiet` or JSON.
    public func remark(_ text: String) {
        guard !isQuiet, format == .table else { return }
        StandardStream.error.write(text.printable + "\n")
    }

    /// A progress bar that shows when standard error is a terminal, and not with `--quiet`.
    public func progress(_ label: String, counting unit: ProgressBar.Unit = .bytes) -> ProgressBar {
        ProgressBar(label: label, isShown: !isQuiet && StandardStream.error.isTerminal, unit: unit)
    }
}
