/// What the units of people have in common, and fixed-point text.
public enum Quantity {
    /// `value` with exactly `places` decimal places, rounded to nearest; `nan`, `inf` and `-inf` as they are.
    public static func decimal(_ value: Double, places: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<max(0, places) { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 9e18 else { return "\(value)" }
        let digits = Int64(scaled)
        let sign = value < 0 && digits != 0 ? "-" : ""
        guard places > 0 else { return "\(sign)\(digits)" }
        let fraction = String(digits % Int64(scale))
        let zeros = String(repeating: "0", count: places - fraction.count)
        return "\(sign)\(digits / Int64(scale)).\(zeros)\(fraction)"
    }

    /// A finite number from decimal text, such as `0.5` or `1e-3`; `nil` for anything else that `Double` would read, such as
    /// `0x10` or `inf`.
    package static func number(_ text: some StringProtocol) -> Double? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }

    /// A number, white space or none, and one of `units` in any case, as a whole number that fits 64 bits.
    static func parse(_ text: String, units: [String: Double]) -> Int64? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).drop { $0 == " " }.lowercased()
        guard let scale = units[unit] else { return nil }
        // Whole numbers do not pass through floating point: they stay exact up to the last byte.
        if let whole = Int64(number), let factor = Int64(exactly: scale) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
        guard let value = Double(number), value.isFinite else { return nil }
        return Int64(exactly: (value * scale).rounded())
    }
}
