import ECLMCore

/// Takes the members out of one JSON object, by key and type; what is left in the end was not asked for and is refused.
///
/// Every error names the path from the document's root, such as `layers[2].up.weight`.
struct ObjectReader {
    let path: String
    private var members: [(key: String, value: JSONValue)]

    init(_ value: JSONValue, path: String) throws(DecompositionError) {
        guard case .object(let members) = value else {
            throw Self.wrongType(path, value, "an object")
        }
        self.path = path
        self.members = members
    }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    mutating func takeIfPresent(_ key: String) -> JSONValue? {
        guard let position = members.firstIndex(where: { $0.key == key }) else { return nil }
        return members.remove(at: position).value
    }

    mutating func take(_ key: String) throws(DecompositionError) -> JSONValue {
        guard let value = takeIfPresent(key) else {
            throw DecompositionError(.missingKey, "the specification lacks \(path(of: key))")
        }
        return value
    }

    mutating func string(_ key: String) throws(DecompositionError) -> String {
        try Self.string(try take(key), path(of: key))
    }

    mutating func stringIfPresent(_ key: String) throws(DecompositionError) -> String? {
        guard let value = takeIfPresent(key) else { return nil }
        return try Self.string(value, path(of: key))
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(DecompositionError) -> Int {
        try Self.integer(try take(key), path(of: key), range)
    }

    mutating func integerIfPresent(_ key: String, in range: ClosedRange<Int>) throws(DecompositionError) -> Int? {
        guard let value = takeIfPresent(key) else { return nil }
        return try Self.integer(value, path(of: key), range)
    }

    /// One integer for both axes, or an array of two: height, width.
    mutating func pair(
        _ key: String, default standard: Int, in range: ClosedRange<Int>
    ) throws(DecompositionError) -> [Int] {
        guard let value = takeIfPresent(key) else { return [standard, standard] }
        guard case .array(let values) = value else {
            let number = try Self.integer(value, path(of: key), range)
            return [number, number]
        }
        guard values.count == 2 else {
            throw DecompositionError(.invalidSpecification, "\(path(of: key)) needs two numbers: height and width")
        }
        return [
            try Self.integer(values[0], path(of: key) + "[0]", range),
            try Self.integer(values[1], path(of: key) + "[1]", range),
        ]
    }

    mutating func number(_ key: String, default standard: Double) throws(DecompositionError) -> Double {
        guard let value = takeIfPresent(key) else { return standard }
        guard case .number(let text) = value, let number = Double(text), number.isFinite else {
            throw Self.wrongType(path(of: key), value, "a number")
        }
        return number
    }

    mutating func bool(_ key: String, default standard: Bool) throws(DecompositionError) -> Bool {
        guard let value = takeIfPresent(key) else { return standard }
        guard case .bool(let flag) = value else { throw Self.wrongType(path(of: key), value, "true or false") }
        return flag
    }

    mutating func object(_ key: String) throws(DecompositionError) -> ObjectReader {
        try ObjectReader(try take(key), path: path(of: key))
    }

    mutating func objectIfPresent(_ key: String) throws(DecompositionError) -> ObjectReader? {
        guard let value = takeIfPresent(key) else { return nil }
        return try ObjectReader(value, path: path(of: key))
    }

    mutating func arrayIfPresent(_ key: String) throws(DecompositionError) -> [JSONValue] {
        guard let value = takeIfPresent(key) else { return [] }
        guard case .array(let values) = value else { throw Self.wrongType(path(of: key), value, "an array") }
        return values
    }

    mutating func stringsIfPresent(_ key: String) throws(DecompositionError) -> [String] {
        let values = try arrayIfPresent(key)
        var strings: [String] = []
        for (position, value) in values.enumerated() {
            strings.append(try Self.string(value, "\(path(of: key))[\(position)]"))
        }
        return strings
    }

    /// A value out of a closed list of words.
    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, default standard: Word? = nil
    ) throws(DecompositionError) -> Word where Word.RawValue == String {
        guard let text = try stringIfPresent(key) else {
            guard let standard else {
                throw DecompositionError(.missingKey, "the specification lacks \(path(of: key))")
            }
            return standard
        }
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw DecompositionError(
                .invalidSpecification, "\(path(of: key)) is \(text.debugDescription); known are \(known)")
        }
        return word
    }

    /// Refuses the keys that nobody took.
    func finish() throws(DecompositionError) {
        guard let unknown = members.first else { return }
        throw DecompositionError(
            .unknownKey, "the specification has an unknown key \(path(of: unknown.key)); see docs/import.md")
    }

    private static func string(_ value: JSONValue, _ path: String) throws(DecompositionError) -> String {
        guard case .string(let text) = value else { throw wrongType(path, value, "a string") }
        guard !text.isEmpty, text.utf8.count <= 4096 else {
            throw DecompositionError(.invalidSpecification, "\(path) is empty or longer than 4096 bytes")
        }
        return text
    }

    private static func integer(
        _ value: JSONValue, _ path: String, _ range: ClosedRange<Int>
    ) throws(DecompositionError) -> Int {
        guard case .number(let text) = value, let number = Int(text) else { throw wrongType(path, value, "an integer") }
        guard range.contains(number) else {
            throw DecompositionError(
                .invalidSpecification,
                "\(path) is \(number); it must lie between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    private static func wrongType(_ path: String, _ value: JSONValue, _ wanted: String) -> DecompositionError {
        let place = path.isEmpty ? "the specification" : path
        return DecompositionError(.invalidSpecification, "\(place) is \(value.kind); it must be \(wanted)")
    }
}
