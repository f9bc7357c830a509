import Crypto

/// The SHA-256 digest that names a blob: content addressing as in the OCI distribution specification.
///
/// Written `sha256:` followed by 64 lower-case hexadecimal digits, in SQL as 32 bytes of `bytea`.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The digest's length in bytes.
    public static let byteCount = 32

    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// A digest from its 32 raw bytes.
    ///
    /// - Throws: ``DigestError`` when `bytes` does not hold exactly 32 bytes.
    public init(bytes: some Collection<UInt8>) throws(DigestError) {
        guard bytes.count == Self.byteCount else { throw DigestError(text: "\(bytes.count) bytes") }
        self.init(exactly: bytes)
    }

    /// A digest from text: 64 hexadecimal digits, with or without the `sha256:` prefix.
    ///
    /// - Throws: ``DigestError`` when the text has another length, algorithm or alphabet.
    public init(_ text: String) throws(DigestError) {
        let digits = text.hasPrefix("sha256:") ? text.dropFirst(7) : text[...]
        guard digits.utf8.count == 2 * Self.byteCount else { throw DigestError(text: text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        var high: UInt8?
        for character in digits.utf8 {
            guard let nibble = Self.nibble(character) else { throw DigestError(text: text) }
            if let first = high {
                bytes.append(first << 4 | nibble)
                high = nil
            } else {
                high = nibble
            }
        }
        self.init(exactly: bytes)
    }

    /// The digest of some bytes.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var builder = DigestBuilder()
        builder.update(bytes)
        return builder.finalize()
    }

    /// The digest of some bytes.
    public static func of(_ bytes: [UInt8]) -> Digest {
        bytes.withUnsafeBytes { of($0) }
    }

    init(exactly bytes: some Collection<UInt8>) {
        var parts: [UInt64] = [0, 0, 0, 0]
        for (offset, byte) in bytes.enumerated() {
            parts[offset / 8] = parts[offset / 8] << 8 | UInt64(byte)
        }
        words = (parts[0], parts[1], parts[2], parts[3])
    }

    /// The 32 raw bytes.
    public var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
    }

    /// The 64 lower-case hexadecimal digits, without a prefix.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The first twelve hexadecimal digits, for tables that people read.
    public var short: String { String(hex.prefix(12)) }

    /// The digest as text: `sha256:` and 64 hexadecimal digits.
    public var description: String { "sha256:" + hex }

    /// Whether the digests are the same.
    public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    /// The order of the raw bytes.
    public static func < (left: Digest, right: Digest) -> Bool { left.words < right.words }

    /// Feeds the digest to a hasher.
    public func hash(into hasher: inout Hasher) {
        // SHA-256 output is uniform already: one word is a full-strength hash.
        hasher.combine(words.0)
    }

    private static func nibble(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Digest: Codable {
    /// A digest from its text.
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A text or byte string that is no SHA-256 digest.
public struct DigestError: ExitStatusConvertible, Sendable, CustomStringConvertible {
    /// What was given in place of a digest.
    public var text: String

    /// What was given, and what a digest looks like.
    public var description: String {
        "\(text.prefix(80).debugDescription) is not a SHA-256 digest; write sha256: and 64 hexadecimal digits"
    }

    public var exitStatus: ExitStatus { .refused }
    public var failureMessage: String { description }
}

/// Computes a ``Digest`` over bytes that arrive in pieces.
public struct DigestBuilder: Sendable {
    private var hash = SHA256()

    /// A builder that has seen no bytes.
    public init() {}

    /// Adds bytes to what is hashed.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
    }

    /// Adds bytes to what is hashed.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    /// Adds a text with its length before it, so that no two lists of texts are hashed as the same bytes.
    package mutating func update(field text: String) {
        update(Array("\(text.utf8.count):\(text)".utf8))
    }

    /// The digest of everything added so far; the builder can go on.
    public func finalize() -> Digest {
        Digest(exactly: Array(hash.finalize()))
    }
}
