/// A JSON document as a tree, its members in their order and its numbers as they are written.
package enum JSONValue {
    case object([(key: String, value: JSONValue)])
    case array([JSONValue])
    case string(String)
    case number(String)
    case bool(Bool)
    case null

    /// Reads a whole document, a byte-order mark before it passed over.
    init(parsing bytes: [UInt8], maximumDepth: Int) throws(JSONScanError) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONScanError) in
            var scanner = JSONScanner(
                bytes.starts(with: mark) ? UnsafeBufferPointer(rebasing: buffer[mark.count...]) : buffer)
            let value = try Self.read(&scanner, depth: 0, of: maximumDepth)
            guard scanner.peek() == nil else { throw scanner.error("something follows the document") }
            return value
        }
    }

    private static func read(_ scanner: inout JSONScanner, depth: Int, of maximumDepth: Int) throws(JSONScanError)
        -> JSONValue
    {
        guard depth < maximumDepth else { throw scanner.error("nested deeper than \(maximumDepth)") }
        switch scanner.peek() {
        case UInt8(ascii: "{"):
            var members: [(key: String, value: JSONValue)] = []
            // By their meaning to a dictionary of Swift, which is what most objects are decoded to.
            var keys: [String: ExactText] = [:]
            try scanner.object(
                { (scanner, key) throws(JSONScanError) in
                    try refuseNUL(key, in: scanner)
                    if let other = keys.updateValue(ExactText(key), forKey: key) {
                        let problem = "key \(key.debugDescription) appears twice in one object"
                        throw scanner.error(
                            other == ExactText(key) ? problem : problem + ", once in another Unicode normalization")
                    }
                    members.append((key, try read(&scanner, depth: depth + 1, of: maximumDepth)))
                }, failure: { $0 })
            return .object(members)
        case UInt8(ascii: "["):
            try scanner.expect(UInt8(ascii: "["))
            var values: [JSONValue] = []
            if scanner.consume(UInt8(ascii: "]")) { return .array(values) }
            repeat {
                values.append(try read(&scanner, depth: depth + 1, of: maximumDepth))
            } while scanner.consume(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "]"))
            return .array(values)
        case UInt8(ascii: "\""):
            let text = try scanner.string()
            try refuseNUL(text, in: scanner)
            return .string(text)
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            return try scanner.literal().map(JSONValue.bool) ?? .null
        default:
            return .number(try scanner.number())
        }
    }

    /// Neither the wire nor PostgreSQL has text with a NUL: it is refused where it is written, and not where it would get lost.
    private static func refuseNUL(_ text: String, in scanner: JSONScanner) throws(JSONScanError) {
        if text.utf8.contains(0) { throw scanner.error("a string holds a NUL character") }
    }

    package var kind: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number: "a number"
        case .bool: "true or false"
        case .null: "null"
        }
    }
}
