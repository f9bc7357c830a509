/// Lays JSON out for people and for diffs: what fits on a line stays on it, long arrays of scalars fill lines, all else
/// has one member a line.
///
/// It works on JSON without white space, as an encoder writes it, and trusts it to be well formed.
struct JSONLayout {
    private let bytes: [UInt8]
    private var offset = 0
    private var output: [UInt8] = []

    private static let width = 110

    /// The same JSON, laid out, with a line feed at the end.
    static func layOut(_ compact: [UInt8]) -> [UInt8] {
        var layout = JSONLayout(bytes: compact)
        layout.value(indent: 0, used: 0)
        return layout.output + [UInt8(ascii: "\n")]
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Writes the next value; `used` characters of the current line are taken.
    private mutating func value(indent: Int, used: Int) {
        let end = self.end(of: offset)
        let opening = bytes[offset]
        guard opening == UInt8(ascii: "{") || opening == UInt8(ascii: "["), used + end - offset > Self.width else {
            return copy(to: end)
        }
        if opening == UInt8(ascii: "["), isScalar(at: offset + 1) {
            fill(to: end, indent: indent + 1)
        } else {
            members(to: end, indent: indent + 1)
        }
    }

    /// One member a line.
    private mutating func members(to end: Int, indent: Int) {
        output.append(bytes[offset])
        offset += 1
        while offset < end - 1 {
            newLine(indent)
            let start = output.count
            if bytes[offset] == UInt8(ascii: "\""), bytes[self.end(of: offset)] == UInt8(ascii: ":") {
                copy(to: self.end(of: offset) + 1)
                output.append(UInt8(ascii: " "))
            }
            value(indent: indent, used: indent + output.count - start + 1)
            if bytes[offset] == UInt8(ascii: ",") { copy(to: offset + 1) }
        }
        newLine(indent - 1)
        copy(to: end)
    }

    /// Scalars, as many a line as fit.
    private mutating func fill(to end: Int, indent: Int) {
        output.append(bytes[offset])
        offset += 1
        newLine(indent)
        var used = indent
        while offset < end - 1 {
            var stop = self.end(of: offset)
            if bytes[stop] == UInt8(ascii: ",") { stop += 1 }
            if used > indent, used + stop - offset + 1 > Self.width {
                newLine(indent)
                used = indent
            } else if used > indent {
                output.append(UInt8(ascii: " "))
                used += 1
            }
            used += stop - offset
            copy(to: stop)
        }
        newLine(indent - 1)
        copy(to: end)
    }

    /// Copies up to `end`, with a space behind commas and colons that are not inside a string.
    private mutating func copy(to end: Int) {
        var inString = false
        while offset < end {
            let byte = bytes[offset]
            output.append(byte)
            if inString, byte == UInt8(ascii: "\\") {
                offset += 1
                output.append(bytes[offset])
            } else if byte == UInt8(ascii: "\"") {
                inString.toggle()
            } else if !inString, byte == UInt8(ascii: ",") || byte == UInt8(ascii: ":"), offset + 1 < end {
                output.append(UInt8(ascii: " "))
            }
            offset += 1
        }
    }

    private mutating func newLine(_ indent: Int) {
        output.append(UInt8(ascii: "\n"))
        output += [UInt8](repeating: UInt8(ascii: " "), count: indent)
    }

    private func isScalar(at offset: Int) -> Bool {
        bytes[offset] != UInt8(ascii: "{") && bytes[offset] != UInt8(ascii: "[")
    }

    /// The offset behind the value that begins at `start`.
    private func end(of start: Int) -> Int {
        var depth = 0
        var inString = false
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if inString {
                if byte == UInt8(ascii: "\\") { index += 1 }
                if byte == UInt8(ascii: "\"") {
                    inString = false
                    if depth == 0 { return index + 1 }
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): inString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return index }
                    depth -= 1
                    if depth == 0 { return index + 1 }
                case UInt8(ascii: ","), UInt8(ascii: ":"):
                    if depth == 0 { return index }
                default: break
                }
            }
            index += 1
        }
        return bytes.count
    }
}
