#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The one way in for JSON that comes from outside: a file, a flag, the network, a row.
///
/// Foundation's decoder keeps one of two equal keys without a word, and builds the whole tree before anybody can bound
/// it. So the bytes are first read as RFC 8259 writes them, in UTF-8, once and to their end, with bounds on size and
/// depth and no key twice in an object; what passes is decoded.
package struct JSONReader: Sendable {
    package var maximumBytes: Int
    /// Objects and arrays inside each other.
    package var maximumDepth: Int

    package init(maximumBytes: Int = 64 << 20, maximumDepth: Int = 512) {
        self.maximumBytes = maximumBytes
        self.maximumDepth = maximumDepth
    }

    /// The document as a tree.
    ///
    /// - Parameter what: What is read, for the message: `the tokens file "tokens.json"`.
    package func value(of what: String, in bytes: some Collection<UInt8>) throws(JSONError) -> JSONValue {
        let bytes = Array(bytes)
        guard bytes.count <= maximumBytes else {
            throw JSONError(.tooLarge, "\(what) has \(bytes.count) bytes, the limit is \(maximumBytes)")
        }
        do throws(JSONScanError) {
            return try JSONValue(parsing: bytes, maximumDepth: maximumDepth)
        } catch {
            throw JSONError(.malformed, "\(what) is no valid JSON: \(error.description)")
        }
    }

    /// The value that the document describes.
    ///
    /// - Parameters:
    ///   - type: What the document is to be.
    ///   - what: What is read, for the message: `the tokens file "tokens.json"`.
    ///   - known: A document with every key that there may be; `nil` where further keys are passed over.
    /// - Throws: ``JSONError`` that names the key at fault by its path.
    package func decode<T: Decodable>(
        _ type: T.Type = T.self, of what: String, from bytes: some Collection<UInt8>, known: JSONValue? = nil
    ) throws(JSONError) -> T {
        let value = try value(of: what, in: bytes)
        if let known { try value.refuseKeys(unknownTo: known, of: what) }
        return try decode(type, of: what, value, document: Data(bytes))
    }

    /// The value that a tree describes, such as one that was put together of several documents.
    package func decode<T: Decodable>(
        _ type: T.Type = T.self, of what: String, from value: JSONValue
    ) throws(JSONError) -> T {
        try decode(type, of: what, value, document: Data(value.encoded))
    }

    private func decode<T: Decodable>(
        _ type: T.Type, of what: String, _ value: JSONValue, document: Data
    ) throws(JSONError) -> T {
        do {
            return try JSONDecoder().decode(type, from: document)
        } catch let error as DecodingError {
            // A number that no type holds is all that the decoder refuses without saying where: the rest was read before.
            let summary = error.namesNoPlace ? value.hugeNumber() : nil
            throw JSONError(.mismatch, "\(what) is not well formed: \(summary ?? error.summary)", cause: error)
        } catch {
            throw JSONError(.mismatch, "\(what) is not well formed: \(error.explanation)", cause: error)
        }
    }
}

extension DecodingError {
    /// Where a document is not what was expected, and why.
    fileprivate var summary: String {
        switch self {
        case .keyNotFound(let key, let context): "\(Self.place(context.codingPath + [key])) is missing"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\(Self.place(context.codingPath)) must be a \(type)"
        case .dataCorrupted(let context): "\(Self.place(context.codingPath)): \(context.debugDescription)"
        @unknown default: "\(self)"
        }
    }

    /// Whether it is the whole document that is said to be wrong.
    fileprivate var namesNoPlace: Bool {
        if case .dataCorrupted(let context) = self { context.codingPath.isEmpty } else { false }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        let text = path.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        return text.isEmpty ? "the document" : String(text.drop { $0 == "." })
    }
}

extension JSONValue {
    /// The place of a number beyond 64 bits, and the number.
    fileprivate func hugeNumber(at path: String = "") -> String? {
        switch self {
        case .object(let members):
            members.lazy.compactMap { $0.value.hugeNumber(at: path.isEmpty ? $0.key : "\(path).\($0.key)") }.first
        case .array(let values):
            values.enumerated().lazy.compactMap { $0.element.hugeNumber(at: "\(path)[\($0.offset)]") }.first
        case .number(let text):
            (Double(text) ?? .infinity).magnitude < 0x1p63
                ? nil : "\(path.isEmpty ? "the document" : path): \(text.prefix(40)) is too great a number"
        case .string, .bool, .null: nil
        }
    }
}
