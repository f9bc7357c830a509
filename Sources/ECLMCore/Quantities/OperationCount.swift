/// A number of floating-point operations: `1.2G` to people, a plain integer in JSON.
public struct OperationCount: Hashable, Sendable, Comparable {
    /// The operations, at least 0.
    public var operations: Int64

    /// A count of operations.
    public init(_ operations: some BinaryInteger) {
        self.operations = Int64(clamping: operations)
    }

    /// A count from text: a number with `K`, `M`, `G` or `T` (powers of 1000), and `FLOP` or `FLOPs` behind it or not.
    public init?(_ text: String) {
        var text = text.lowercased()
        for suffix in ["flops", "flop"] where text.hasSuffix(suffix) {
            text.removeLast(suffix.count)
            break
        }
        guard let value = Quantity.parse(text, units: ["": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12]) else {
            return nil
        }
        operations = value
    }

    /// Whether the left is the smaller one.
    public static func < (left: OperationCount, right: OperationCount) -> Bool { left.operations < right.operations }
}

extension OperationCount: CustomStringConvertible {
    /// The value as people read it.
    public var description: String {
        var value = Double(operations)
        var unit = 0
        while value.magnitude >= 999.95, unit < 4 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(operations)" : "\(Quantity.decimal(value, places: 1))\(["", "K", "M", "G", "T"][unit])"
    }
}

extension OperationCount: Codable {
    /// Reads the value in its documented form.
    public init(from decoder: any Decoder) throws {
        operations = try decoder.singleValueContainer().decode(Int64.self)
    }

    /// Writes the value in its documented form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(operations)
    }
}
