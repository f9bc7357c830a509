/// A text that equals another where their bytes are equal, for names that come from outside.
///
/// Swift's `String` takes the composed and the decomposed spelling of a letter for one text, in `==` and as the key of a
/// dictionary, where files, PostgreSQL and peers in other languages keep two. What is compared or looked up by a name
/// from outside uses this.
public struct ExactText: Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
    /// The text as it was given.
    public let string: String

    /// A text as it is.
    public init(_ string: String) { self.string = string }

    /// A text as it is.
    public init(stringLiteral string: String) { self.string = string }

    /// The text.
    public var description: String { string }
}

extension ExactText: Hashable {
    /// Whether the bytes are the same.
    public static func == (left: Self, right: Self) -> Bool { left.string.utf8.elementsEqual(right.string.utf8) }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}

extension ExactText: Comparable {
    /// The order of the bytes.
    public static func < (left: Self, right: Self) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }
}
