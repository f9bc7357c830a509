public import Foundation

/// JSON as text, sent as `jsonb`. The text is not parsed here; the server checks it.
public struct JSONText: PostgresCodable, Hashable, CustomStringConvertible {
    /// The JSON.
    public var text: String
    /// JSON that the server will check.
    public init(_ text: String) { self.text = text }
    /// The JSON.
    public var description: String { text }

    /// `jsonb`
    public static var postgresType: PostgresType { .jsonb }
    /// The format's version, 1, and the text.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(1)
        buffer.append(contentsOf: text.utf8)
    }
    /// Reads `jsonb` and `json`.
    public static func decode(_ field: PostgresField) throws -> JSONText {
        guard field.type == .jsonb || field.type == .json else { throw field.mismatch(Self.self) }
        return JSONText(try String.decode(field))
    }
}

/// A `jsonb` field without the version byte in front.
func jsonbText(_ field: PostgresField) throws -> Slice<UnsafeRawBufferPointer> {
    guard field.bytes.first == 1 else { throw field.malformed(JSONText.self) }
    return field.bytes.dropFirst()
}

/// A `timestamptz`: microseconds since 2000-01-01 00:00:00 UTC, exactly as PostgreSQL keeps it.
public struct PostgresTimestamp: PostgresCodable, Hashable, Comparable {
    /// Microseconds since 2000-01-01 00:00:00 UTC.
    public var microseconds: Int64
    /// A point in time by its microseconds since 2000-01-01 00:00:00 UTC.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// `infinity`
    public static let infinity = PostgresTimestamp(microseconds: .max)
    /// `-infinity`
    public static let negativeInfinity = PostgresTimestamp(microseconds: .min)

    /// 2000-01-01 00:00:00 UTC in seconds since 1970.
    private static let epoch: TimeInterval = 946_684_800

    /// The nearest microsecond; a date that PostgreSQL cannot hold becomes an infinity.
    public init(_ date: Date) {
        let value = ((date.timeIntervalSince1970 - Self.epoch) * 1e6).rounded()
        // 294276-12-31 is the last and 4713 BC the first day of timestamptz; a double this large is still exact enough.
        if value >= 9.2e18 {
            self = .infinity
        } else if value <= -2.2e17 || value.isNaN {
            self = .negativeInfinity
        } else {
            microseconds = Int64(value)
        }
    }

    /// The point in time; the infinities are the distant future and past.
    public var date: Date {
        switch self {
        case .infinity: .distantFuture
        case .negativeInfinity: .distantPast
        default: Date(timeIntervalSince1970: Self.epoch + Double(microseconds) / 1e6)
        }
    }

    /// Earlier before later.
    public static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    /// `timestamptz`
    public static var postgresType: PostgresType { .timestamptz }
    /// Eight bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: microseconds) }
    /// Reads `timestamptz`.
    public static func decode(_ field: PostgresField) throws -> PostgresTimestamp {
        guard field.type == .timestamptz else { throw field.mismatch(Self.self) }
        return PostgresTimestamp(microseconds: try field.integer(Int64.self, for: Self.self))
    }
}

extension Date: PostgresCodable {
    /// `timestamptz`
    public static var postgresType: PostgresType { .timestamptz }
    /// The nearest microsecond.
    public func encode(into buffer: inout [UInt8]) { PostgresTimestamp(self).encode(into: &buffer) }
    /// Reads `timestamptz`.
    public static func decode(_ field: PostgresField) throws -> Date {
        guard field.type == .timestamptz else { throw field.mismatch(Self.self) }
        return try PostgresTimestamp.decode(field).date
    }
}

extension UUID: PostgresCodable {
    /// `uuid`
    public static var postgresType: PostgresType { .uuid }
    /// Sixteen bytes.
    public func encode(into buffer: inout [UInt8]) { withUnsafeBytes(of: uuid) { buffer.append(contentsOf: $0) } }
    /// Reads `uuid`.
    public static func decode(_ field: PostgresField) throws -> UUID {
        guard field.type == .uuid else { throw field.mismatch(Self.self) }
        guard field.bytes.count == 16 else { throw field.malformed(Self.self) }
        return UUID(uuid: field.bytes.loadUnaligned(as: uuid_t.self))
    }
}

extension Data: PostgresCodable {
    /// `bytea`
    public static var postgresType: PostgresType { .bytea }
    /// The bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: self) }
    /// Reads `bytea`.
    public static func decode(_ field: PostgresField) throws -> Data {
        guard field.type == .bytea else { throw field.mismatch(Self.self) }
        return Data(field.bytes)
    }
}

extension ArraySlice: PostgresEncodable where Element == UInt8 {
    /// `bytea`
    public static var postgresType: PostgresType { .bytea }
    /// The bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: self) }
    /// The slice itself, not a copy.
    public func encoded() -> ArraySlice<UInt8> { self }
}
