extension Timestamp {
    /// An instant from RFC 3339 text, such as `2026-01-31T09:05:00Z`, or from a date, which is its beginning in UTC.
    ///
    /// `nil` for anything else, a day that no month has included: those who mistype a date are to be told, and not
    /// understood as meaning another one. A leap second is the first second of the next day.
    public init?(rfc3339 text: String) {
        var fields = Fields(text.utf8)
        guard let year = fields.number(4), fields.skip("-"), let month = fields.number(2), fields.skip("-"),
            let day = fields.number(2), year >= 1, (1...12).contains(month),
            (1...Self.days(in: month, of: year)).contains(day)
        else { return nil }
        let midnight = Self.days(year, month, day) * 86_400
        if fields.isAtEnd {
            microseconds = midnight * 1_000_000
            return
        }
        guard fields.skip("T") || fields.skip("t"), let hour = fields.number(2), fields.skip(":"),
            let minute = fields.number(2), fields.skip(":"), let second = fields.number(2),
            hour < 24, minute < 60, second <= 60, let fraction = fields.fraction(), let offset = fields.offset(),
            fields.isAtEnd
        else { return nil }
        let seconds = midnight + hour * 3600 + minute * 60 + second - offset
        guard second < 60 || seconds % 86_400 == 0 else { return nil }
        microseconds = seconds * 1_000_000 + fraction
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The day counted from 1970-01-01: days_from_civil of the source that ``civil(days:)`` names.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// Reads the pieces of a time from left to right.
private struct Fields {
    private var rest: Substring.UTF8View

    init(_ text: String.UTF8View) { rest = text[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ mark: Unicode.Scalar) -> Bool {
        guard let byte = rest.first, UInt32(byte) == mark.value else { return false }
        rest.removeFirst()
        return true
    }

    /// So many digits.
    mutating func number(_ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(Self.isDigit) else { return nil }
        rest.removeFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    /// Microseconds behind a point, 0 without; what is finer is cut off.
    mutating func fraction() -> Int64? {
        guard skip(".") else { return 0 }
        let digits = rest.prefix(while: Self.isDigit)
        guard (1...9).contains(digits.count) else { return nil }
        rest.removeFirst(digits.count)
        var value: Int64 = 0
        for place in 0..<6 {
            let digit = digits.dropFirst(place).first.map { Int64($0 - UInt8(ascii: "0")) }
            value = value * 10 + (digit ?? 0)
        }
        return value
    }

    /// Seconds that the clock is ahead of UTC.
    mutating func offset() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let isAhead = skip("+")
        guard isAhead || skip("-"), let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60
        else { return nil }
        return (isAhead ? 1 : -1) * (hours * 3600 + minutes * 60)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
