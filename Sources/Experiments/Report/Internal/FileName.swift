/// Names of a report's files.
enum FileName {
    /// A name as part of a file's name: lower-case letters, digits, and a hyphen for all else.
    static func part(_ name: String) -> String {
        let isKept = { (character: Character) in character.isASCII && (character.isLetter || character.isNumber) }
        return name.lowercased().split { !isKept($0) }.joined(separator: "-")
    }
}
