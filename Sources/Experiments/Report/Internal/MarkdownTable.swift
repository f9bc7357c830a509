/// A table in Markdown.
struct MarkdownTable {
    enum Alignment {
        case left
        case right
    }

    private let header: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// A table with columns of names and alignments.
    init(_ columns: [(name: String, alignment: Alignment)]) {
        header = columns.map(\.name)
        alignments = columns.map(\.alignment)
    }

    /// Appends a row with a cell a column.
    mutating func add(_ cells: [String]) {
        precondition(cells.count == header.count, "a row of \(cells.count) cells under \(header.count) columns")
        rows.append(cells)
    }

    var isEmpty: Bool { rows.isEmpty }

    /// The table, without columns that say nothing in any row, and a line feed at the end.
    var text: String {
        let kept = header.indices.filter { column in
            column == 0 || rows.contains { !$0[column].isEmpty && $0[column] != "–" }
        }
        let line = { (cells: [String]) in "| " + kept.map { Self.cell(cells[$0]) }.joined(separator: " | ") + " |\n" }
        let rule = "|" + kept.map { alignments[$0] == .right ? "--:|" : "---|" }.joined() + "\n"
        return line(header) + rule + rows.map(line).joined()
    }

    private static func cell(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 }).replacing("|", with: "\\|")
    }
}
