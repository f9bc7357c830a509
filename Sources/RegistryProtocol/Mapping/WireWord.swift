/// A word of ECLMCore that travels as an enum, and beside it as the text that older peers know.
public protocol WireWord: RawRepresentable<String>, CaseIterable, Sendable {
    /// The enum of proto/.
    associatedtype Number: RawRepresentable<Int32>

    /// What errors call it.
    static var wireName: String { get }
    /// The word's value on the wire.
    var number: Number { get }
}

extension WireWord {
    /// The word meant: the enum's where it is present, else the text's, which is all that an older peer writes.
    ///
    /// - Throws: ``MappingError`` for a number or a text that this program does not know.
    public init(number: Number?, text: String) throws(MappingError) {
        let known = number.map { number in Self.allCases.first { $0.number.rawValue == number.rawValue } }
        guard let word = known ?? Self(rawValue: text) else {
            let given = number.map { "\($0.rawValue)" } ?? text.debugDescription
            let words = Self.allCases.map { number == nil ? $0.rawValue : "\($0.number.rawValue) (\($0.rawValue))" }
            throw MappingError("\(Self.wireName) \(given) is not known; use one of \(words.joined(separator: ", "))")
        }
        self = word
    }
}
