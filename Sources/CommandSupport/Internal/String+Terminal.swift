extension String {
    /// The text without anything a terminal would act on: names and reasons come from devices and other people.
    ///
    /// Control characters and the marks that reorder text are written as `\u{1B}`; line breaks become spaces.
    var printable: String {
        guard unicodeScalars.contains(where: { !$0.isPrintable }) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if scalar.isPrintable {
                result.unicodeScalars.append(scalar)
            } else if scalar == "\n" || scalar == "\t" {
                result += " "
            } else {
                result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return result
    }

    /// How many columns the text takes on a terminal.
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// The text cut to `width` columns, with an ellipsis where something was cut off.
    func truncated(to width: Int) -> String {
        guard columns > width else { return self }
        guard width > 0 else { return "" }
        var result = ""
        var used = 0
        for character in self {
            guard used + character.columns <= width - 1 else { break }
            result.append(character)
            used += character.columns
        }
        return result + "…"
    }

    /// The text filled up with spaces to `width` columns.
    func padded(to width: Int, trailing: Bool = false) -> String {
        let spaces = String(repeating: " ", count: Swift.max(0, width - columns))
        return trailing ? spaces + self : self + spaces
    }
}

extension Character {
    /// Two for the wide characters of East Asian scripts and for emoji, one for all others.
    fileprivate var columns: Int {
        guard let value = unicodeScalars.first?.value, value >= 0x1100 else { return 1 }
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

extension Unicode.Scalar {
    /// Whether a terminal shows it and does nothing else.
    var isPrintable: Bool {
        switch value {
        case 0..<0x20, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: false
        default: true
        }
    }
}
