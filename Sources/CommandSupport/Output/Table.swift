/// Rows under titles, for people: columns line up, numbers end together, and nothing is wider than the terminal.
///
/// Without a terminal, nothing is cut: every row is one line, and columns are two spaces apart.
public struct Table: Sendable {
    /// One column of a table.
    public struct Column: Sendable, ExpressibleByStringLiteral {
        /// The title, in the design's words; shown in upper case.
        public var title: String
        /// Whether the cells end together, as numbers should.
        public var isTrailing: Bool

        /// A column of text.
        public init(_ title: String) {
            self.title = title
            isTrailing = false
        }

        /// A column of text.
        public init(stringLiteral value: String) { self.init(value) }

        /// A column of numbers: its cells end together.
        public static func number(_ title: String) -> Column {
            var column = Column(title)
            column.isTrailing = true
            return column
        }
    }

    public let columns: [Column]
    private var rows: [[String]] = []

    /// A table without rows.
    public init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Whether the table has no rows.
    public var isEmpty: Bool { rows.isEmpty }

    /// Adds a row; missing cells are empty.
    public mutating func add(_ cells: [String]) {
        precondition(cells.count <= columns.count, "\(cells.count) cells for \(columns.count) columns")
        rows.append(cells.map(\.printable) + Array(repeating: "", count: columns.count - cells.count))
    }

    /// The table as text that ends with a line break; empty for a table without columns.
    ///
    /// - Parameter width: The columns of the terminal, or `nil` not to cut anything.
    public func rendered(width: Int? = nil) -> String {
        guard !columns.isEmpty else { return "" }
        let titles = columns.map { $0.title.uppercased() }
        var widths = titles.map(\.columns)
        for row in rows {
            for (position, cell) in row.enumerated() { widths[position] = max(widths[position], cell.columns) }
        }
        if let width {
            guard let fitted = Self.fit(widths, titles: titles, into: width) else { return stacked(width: width) }
            widths = fitted
        }
        return ([titles] + rows).map { line($0, widths) }.joined()
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (position, cell) in cells.enumerated() {
            let text = cell.truncated(to: widths[position])
            let isLast = position == cells.count - 1
            if position > 0 { line += "  " }
            line +=
                columns[position].isTrailing || !isLast
                ? text.padded(to: widths[position], trailing: columns[position].isTrailing) : text
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }

    /// Takes from the widest column until all fit; `nil` when the titles alone do not, or a column would be unreadable.
    private static func fit(_ widths: [Int], titles: [String], into width: Int) -> [Int]? {
        var widths = widths
        let smallest = zip(titles, widths).map { min($1, max($0.columns, 6)) }
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
        while excess > 0 {
            guard
                let widest = widths.indices.filter({ widths[$0] > smallest[$0] }).max(by: { widths[$0] < widths[$1] })
            else { return nil }
            let next = widths.indices.filter { $0 != widest }.map { widths[$0] }.max() ?? 0
            // Down to the next widest at once, not column by column: names may be long.
            let cut = max(1, min(excess, widths[widest] - smallest[widest], widths[widest] - next))
            widths[widest] -= cut
            excess -= cut
        }
        return widths
    }

    /// For terminals too narrow for the columns: each row as a block of `title: value` lines.
    private func stacked(width: Int) -> String {
        rows.map { row in
            zip(columns, row).map { "\($0.title): \($1)".truncated(to: width) + "\n" }.joined()
        }.joined(separator: "\n")
    }
}

/// Names and values of one thing, line by line, for people.
public struct FieldList: Sendable {
    private var fields: [(name: String, value: String)] = []

    /// A list without fields.
    public init() {}

    /// Adds a field; one without a value is left out.
    public mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        fields.append((name.printable, value.printable))
    }

    /// Adds a field; one without a value is left out.
    public mutating func add(_ name: String, _ value: (some CustomStringConvertible)?) {
        add(name, value?.description)
    }

    /// The list as text that ends with a line break; values begin in one column and are not cut.
    public func rendered() -> String {
        let width = fields.map(\.name.columns).max() ?? 0
        return fields.map { "\(($0.name + ":").padded(to: width + 1))  \($0.value)\n" }.joined()
    }
}
