/// Reads JSON token by token, exactly as RFC 8259 writes it and nothing more.
///
/// Foundation's decoder keeps one of two equal keys without a word, and builds the whole tree before anybody can bound
/// it. Files and specifications that are not trusted are read with this instead: the caller names what it expects
/// next, so that a duplicate, an unknown key or a wrong type is seen where it stands.
package struct JSONScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// The offset of the next unread byte.
    package private(set) var offset = 0

    /// A scanner over `bytes`, which must outlive it.
    package init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// The next byte that is no white space, left unread; `nil` at the end.
    package mutating func peek() -> UInt8? {
        skipSpace()
        return offset < bytes.count ? bytes[offset] : nil
    }

    /// Reads `byte` when it comes next, after white space.
    package mutating func consume(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        offset += 1
        return true
    }

    /// Reads `byte`, which must come next, after white space.
    package mutating func expect(_ byte: UInt8) throws(JSONScanError) {
        guard consume(byte) else {
            throw error("expected \(Self.quoted(byte)), found \(found())")
        }
    }

    /// Reads an object's members: calls `member` after each key and its colon to read the value.
    package mutating func object<E: Error>(
        _ member: (inout JSONScanner, String) throws(E) -> Void, failure: (JSONScanError) -> E
    ) throws(E) {
        do throws(JSONScanError) { try expect(UInt8(ascii: "{")) } catch { throw failure(error) }
        if consume(UInt8(ascii: "}")) { return }
        repeat {
            let key: String
            do throws(JSONScanError) {
                key = try string()
                try expect(UInt8(ascii: ":"))
            } catch { throw failure(error) }
            try member(&self, key)
        } while consume(UInt8(ascii: ","))
        do throws(JSONScanError) { try expect(UInt8(ascii: "}")) } catch { throw failure(error) }
    }

    /// Reads an array of at most `limit` integers.
    package mutating func integers(limit: Int) throws(JSONScanError) -> [Int] {
        try expect(UInt8(ascii: "["))
        var values: [Int] = []
        if consume(UInt8(ascii: "]")) { return values }
        repeat {
            guard values.count < limit else { throw error("expected at most \(limit) numbers") }
            values.append(try integer())
        } while consume(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return values
    }

    /// Reads an integer; a fraction or an exponent is an error, and so is a number beyond 64 bits.
    package mutating func integer() throws(JSONScanError) -> Int {
        let start = offset
        let text = try number()
        guard let value = Int(text) else {
            throw JSONScanError(offset: start, message: "\(text.prefix(40)) is no integer of 64 bits")
        }
        return value
    }

    /// Reads a number and returns its text, which `Double` and, where it fits, `Int` can parse.
    package mutating func number() throws(JSONScanError) -> String {
        guard let first = peek(), first == UInt8(ascii: "-") || Self.isDigit(first) else {
            throw error("expected a number, found \(found())")
        }
        let start = offset
        if first == UInt8(ascii: "-") { offset += 1 }
        let whole = offset
        try digits()
        if bytes[whole] == UInt8(ascii: "0"), offset - whole > 1 { throw error("a number starts with 0") }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") {
                offset += 1
            }
            try digits()
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    /// Reads `true`, `false` or `null`.
    package mutating func literal() throws(JSONScanError) -> Bool? {
        for (text, value) in [("true", true), ("false", false), ("null", nil)] as [(StaticString, Bool?)] {
            _ = peek()
            let length = text.utf8CodeUnitCount
            guard bytes.count - offset >= length else { continue }
            if (0..<length).allSatisfy({ bytes[offset + $0] == text.utf8Start[$0] }) {
                offset += length
                return value
            }
        }
        throw error("expected a value, found \(found())")
    }

    /// Reads a string.
    package mutating func string() throws(JSONScanError) -> String {
        try expect(UInt8(ascii: "\""))
        let start = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\""), bytes[offset] != UInt8(ascii: "\\") {
            try refuseControl()
            offset += 1
        }
        guard offset < bytes.count else { throw error("a string does not end") }
        if bytes[offset] == UInt8(ascii: "\"") {
            offset += 1
            return try text(UnsafeBufferPointer(rebasing: bytes[start..<offset - 1]), at: start)
        }
        var unescaped = Array(bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            try refuseControl()
            offset += 1
            if byte == UInt8(ascii: "\"") {
                return try unescaped.withUnsafeBufferPointer { (buffer) throws(JSONScanError) in
                    try text(buffer, at: start)
                }
            } else if byte == UInt8(ascii: "\\") {
                try escape(into: &unescaped)
            } else {
                unescaped.append(byte)
            }
        }
        throw error("a string does not end")
    }

    /// The unread rest, white space included.
    package var rest: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: bytes[offset...]) }

    /// An error at the next unread byte.
    package func error(_ message: String) -> JSONScanError {
        JSONScanError(offset: offset, message: message)
    }

    // MARK: Pieces

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func digits() throws(JSONScanError) {
        let start = offset
        while offset < bytes.count, Self.isDigit(bytes[offset]) { offset += 1 }
        guard offset > start else { throw error("expected a digit, found \(found())") }
    }

    private func refuseControl() throws(JSONScanError) {
        guard bytes[offset] >= 0x20 else { throw error("a string holds a control character") }
    }

    private func text(_ buffer: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONScanError) -> String {
        guard let text = String(validating: buffer, as: UTF8.self) else {
            throw JSONScanError(offset: start, message: "a string is not UTF-8")
        }
        return text
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSONScanError) {
        guard offset < self.bytes.count else { throw error("a string does not end") }
        let kind = self.bytes[offset]
        offset += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(kind)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var value = try hexadecimal()
            if (0xD800..<0xDC00).contains(value) {
                guard offset + 1 < self.bytes.count, self.bytes[offset] == UInt8(ascii: "\\"),
                    self.bytes[offset + 1] == UInt8(ascii: "u")
                else { throw error("half of a surrogate pair") }
                offset += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair") }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(value) else { throw error("half of a surrogate pair") }
            bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            offset -= 1
            throw error("\(found()) is no escape")
        }
    }

    private mutating func hexadecimal() throws(JSONScanError) -> UInt32 {
        guard bytes.count - offset >= 4 else { throw error("expected four hexadecimal digits") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue, bytes[offset] < 0x80 else {
                throw error("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    private func found() -> String {
        offset < bytes.count ? Self.quoted(bytes[offset]) : "the end"
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func quoted(_ byte: UInt8) -> String {
        (0x21..<0x7F).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
    }
}

/// Where and why bytes are no JSON of the expected form.
package struct JSONScanError: Error, Hashable, CustomStringConvertible {
    /// The byte at which the scanner stopped.
    package var offset: Int
    /// What was wrong there.
    package var message: String

    package var description: String { "\(message), at byte \(offset)" }
}
