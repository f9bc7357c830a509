/// A runtime's version: three numbers compared in order, stored in SQL as `integer[]`.
public struct RuntimeVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Major, minor and patch, each at least 0.
    public var major: Int32, minor: Int32, patch: Int32

    /// A version from its three numbers.
    public init(_ major: Int32, _ minor: Int32 = 0, _ patch: Int32 = 0) {
        (self.major, self.minor, self.patch) = (major, minor, patch)
    }

    /// A version from text such as `2`, `2.1` or `2.1.0`; `nil` when the text is anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count) else { return nil }
        var numbers: [Int32] = []
        for part in parts {
            guard let number = Int32(part), number >= 0, part.first != "+" else { return nil }
            numbers.append(number)
        }
        while numbers.count < 3 { numbers.append(0) }
        (major, minor, patch) = (numbers[0], numbers[1], numbers[2])
    }

    /// The three numbers, with dots.
    public var description: String { "\(major).\(minor).\(patch)" }

    /// Whether the left is the older one.
    public static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}

extension RuntimeVersion: Codable {
    /// A version from its text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let version = RuntimeVersion(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(text.debugDescription) is no version; write it like 2.1.0")
        }
        self = version
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
