import ECLMCore

/// A JSON document, read strictly: no duplicate keys, bounded in size and depth.
enum JSONValue {
    case object([(key: String, value: JSONValue)])
    case array([JSONValue])
    case string(String)
    case number(String)
    case bool(Bool)
    case null

    static let maximumBytes = 1 << 20
    static let maximumDepth = 16

    init(parsing bytes: [UInt8]) throws(DecompositionError) {
        guard bytes.count <= Self.maximumBytes else {
            throw DecompositionError(
                .invalidSpecification,
                "the specification has \(bytes.count) bytes, the limit is \(Self.maximumBytes)")
        }
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(DecompositionError) in
            do throws(JSONScanError) {
                var scanner = JSONScanner(buffer)
                let value = try Self.read(&scanner, depth: 0)
                guard scanner.peek() == nil else { throw scanner.error("something follows the document") }
                return value
            } catch {
                throw DecompositionError(
                    .invalidSpecification, "the specification is no valid JSON: \(error)", cause: error)
            }
        }
    }

    private static func read(_ scanner: inout JSONScanner, depth: Int) throws(JSONScanError) -> JSONValue {
        guard depth < maximumDepth else { throw scanner.error("nested deeper than \(maximumDepth)") }
        switch scanner.peek() {
        case UInt8(ascii: "{"):
            var members: [(key: String, value: JSONValue)] = []
            var keys: Set<String> = []
            try scanner.object(
                { (scanner, key) throws(JSONScanError) in
                    guard keys.insert(key).inserted else {
                        throw scanner.error("key \(key.debugDescription) appears twice in one object")
                    }
                    members.append((key, try read(&scanner, depth: depth + 1)))
                }, failure: { $0 })
            return .object(members)
        case UInt8(ascii: "["):
            try scanner.expect(UInt8(ascii: "["))
            var values: [JSONValue] = []
            if scanner.consume(UInt8(ascii: "]")) { return .array(values) }
            repeat {
                values.append(try read(&scanner, depth: depth + 1))
            } while scanner.consume(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "]"))
            return .array(values)
        case UInt8(ascii: "\""):
            return .string(try scanner.string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            return try scanner.literal().map(JSONValue.bool) ?? .null
        default:
            return .number(try scanner.number())
        }
    }

    var kind: String {
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
