import Foundation

/// Numbers as people read them, the same in every locale.
package enum NumberText {
    /// `value` with exactly `decimals` decimals: `98.60`.
    package static func fixed(_ value: Double, _ decimals: Int) -> String {
        String(format: "%.\(decimals)f", locale: nil, rounded(value, decimals))
    }

    /// `value` with at most `decimals` decimals: `98.6`, `12`.
    package static func short(_ value: Double, _ decimals: Int) -> String {
        let text = fixed(value, decimals)
        guard text.contains(".") else { return text }
        let trimmed = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
        return String(trimmed.reversed())
    }

    /// `value` with `digits` significant digits and no exponent: `0.0123`, `12.3`, `1230`.
    package static func significant(_ value: Double, _ digits: Int) -> String {
        let value = roundedToDigits(value, digits)
        guard value != 0, value.isFinite else { return short(value, 0) }
        return fixed(value, max(0, digits - 1 - exponent(value)))
    }

    /// Bytes in the unit that fits, in steps of 1000: `1.23 MB`.
    package static func bytes(_ value: Double, digits: Int = 3) -> String {
        let (unit, size) = byteUnit(value)
        let scaled = value / size
        return (size == 1 ? short(scaled, 0) : significant(scaled, digits)) + " " + unit
    }

    /// A byte count on an axis, without digits that say nothing: `500 kB`, `2 MB`.
    static func byteTick(_ value: Double) -> String {
        let (unit, size) = byteUnit(value)
        return short(value / size, 2) + " " + unit
    }

    /// Seconds in the unit that fits: `12.3 ms`.
    package static func seconds(_ value: Double) -> String {
        switch abs(value) {
        case 0: "0 s"
        case ..<0.000_999_5: significant(value * 1_000_000, 3) + " µs"
        case ..<0.999_5: significant(value * 1000, 3) + " ms"
        case ..<120: significant(value, 3) + " s"
        default: significant(value / 60, 3) + " min"
        }
    }

    /// A count, in groups of three digits: `1,234,567`.
    package static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return (value < 0 ? "-" : "") + result
    }

    /// `value` rounded to `decimals` decimals (before the point when negative), never -0.
    package static func rounded(_ value: Double, _ decimals: Int) -> Double {
        let factor = pow(10, Double(abs(decimals)))
        let result = decimals >= 0 ? (value * factor).rounded() / factor : (value / factor).rounded() * factor
        // A value too large to be scaled has no decimals to round.
        return result.isFinite ? result + 0.0 : value
    }

    /// `value` rounded to `digits` significant digits.
    package static func roundedToDigits(_ value: Double, _ digits: Int) -> Double {
        guard value != 0, value.isFinite else { return value }
        return rounded(value, digits - 1 - exponent(value))
    }

    /// The power of ten of the first digit.
    private static func exponent(_ value: Double) -> Int { Int(floor(log10(abs(value)))) }

    private static func byteUnit(_ value: Double) -> (String, Double) {
        // 999.5 kB would round to 1000 kB.
        switch abs(value) {
        case ..<999.5: ("B", 1)
        case ..<999_500: ("kB", 1e3)
        case ..<999_500_000: ("MB", 1e6)
        default: ("GB", 1e9)
        }
    }
}
