/// A number of bytes: written by people with a unit (`12MiB`), shown to them with one, and a plain integer in JSON.
public struct ByteSize: Hashable, Sendable, Comparable {
    /// The bytes, at least 0.
    public var bytes: Int64

    /// A size in bytes.
    public init(_ bytes: some BinaryInteger) {
        self.bytes = Int64(clamping: bytes)
    }

    /// A size from text: an integer or a decimal fraction and a unit.
    ///
    /// `KiB`, `MiB`, `GiB`, `TiB` and the bare letters `K`, `M`, `G`, `T` are powers of 1024; `kB`, `MB`, `GB`, `TB`
    /// are powers of 1000; no unit or `B` is bytes. `nil` when the text is anything else, negative or beyond 2^63.
    public init?(_ text: String) {
        let units: [String: Double] = [
            "": 1, "b": 1, "k": 0x1p10, "kib": 0x1p10, "kb": 1e3, "m": 0x1p20, "mib": 0x1p20, "mb": 1e6,
            "g": 0x1p30, "gib": 0x1p30, "gb": 1e9, "t": 0x1p40, "tib": 0x1p40, "tb": 1e12,
        ]
        guard let value = Quantity.parse(text, units: units) else { return nil }
        bytes = value
    }

    /// Whether the left is the smaller one.
    public static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }
}

extension ByteSize: CustomStringConvertible {
    /// The size in the largest binary unit that leaves at least 1 before the point: `512 B`, `11.7 MiB`.
    public var description: String {
        guard bytes.magnitude >= 1024 else { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = 0
        // The value after rounding decides, so that nothing is shown as 1024.0 of a unit.
        while value.magnitude >= 1023.95, unit < 5 {
            value /= 1024
            unit += 1
        }
        return "\(Quantity.decimal(value, places: 1)) \(["B", "KiB", "MiB", "GiB", "TiB", "PiB"][unit])"
    }
}

extension ByteSize: Codable {
    /// Reads the value in its documented form.
    public init(from decoder: any Decoder) throws {
        bytes = try decoder.singleValueContainer().decode(Int64.self)
    }

    /// Writes the value in its documented form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}
