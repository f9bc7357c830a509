/// The commands in a help text: its lines that two spaces indent, split into words as a shell would.
struct ShellExamples {
    let words: [[String]]

    init(_ text: String) {
        let lines = text.replacing("\\\n", with: " ").split(separator: "\n")
        words = lines.filter { $0.hasPrefix("  ") }.map(Self.words(of:)).filter { !$0.isEmpty }
    }

    /// The words of a line's first command: what comes behind a pipe, `&`, `;` or `>` belongs to another.
    private static func words(of line: Substring) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in line {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
                continue
            }
            switch character {
            case "\"", "'":
                quote = character
                word = word ?? ""
            case " ":
                if let word { words.append(word) }
                word = nil
            case "|", "&", ";", ">": return words + (word.map { [$0] } ?? [])
            default: word = (word ?? "") + String(character)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }
}
