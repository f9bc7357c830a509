public import Foundation

/// A type whose Swift arrays are PostgreSQL arrays of one dimension.
///
/// `UInt8` is the exception: `[UInt8]` is `bytea`, and `[[UInt8]]` is `bytea[]`.
public protocol PostgresArrayElement: Sendable {
    /// The array's type.
    static var postgresArrayType: PostgresType { get }
    /// Appends an array's binary form.
    static func encodeArray(_ values: [Self], into buffer: inout [UInt8]) throws
    /// An array's binary form as a whole.
    static func encodedArray(_ values: [Self]) throws -> ArraySlice<UInt8>
    /// Reads an array.
    static func decodeArray(_ field: PostgresField) throws -> [Self]
}

extension Array: PostgresEncodable, PostgresDecodable where Element: PostgresArrayElement {
    /// The element's array type.
    public static var postgresType: PostgresType { Element.postgresArrayType }
    /// Appends the elements with the array's header.
    public func encode(into buffer: inout [UInt8]) throws { try Element.encodeArray(self, into: &buffer) }
    /// The array's binary form; a `[UInt8]` is returned as it is.
    public func encoded() throws -> ArraySlice<UInt8> { try Element.encodedArray(self) }
    /// Reads an array of one dimension without NULLs.
    public static func decode(_ field: PostgresField) throws -> [Element] { try Element.decodeArray(field) }
}

extension PostgresArrayElement {
    /// The elements with the array's header.
    public static func encodedArray(_ values: [Self]) throws -> ArraySlice<UInt8> {
        var buffer: [UInt8] = []
        try encodeArray(values, into: &buffer)
        return buffer[...]
    }
}

// The binary form (src/backend/utils/adt/arrayfuncs.c, array_send): dimensions, whether there are NULLs, the element
// type; for each dimension its length and lower bound; for each element its length, -1 for NULL, and its bytes.

extension PostgresArrayElement where Self: PostgresCodable {
    /// Appends the header, then each element with its length.
    public static func encodeArray(_ values: [Self], into buffer: inout [UInt8]) throws {
        guard let count = Int32(exactly: values.count) else {
            throw PostgresError(code: .usage, message: "an array of \(values.count) elements does not fit PostgreSQL")
        }
        buffer.append(bigEndian: Int32(values.isEmpty ? 0 : 1))
        buffer.append(bigEndian: Int32(0))
        buffer.append(bigEndian: postgresType.rawValue)
        guard count > 0 else { return }
        buffer.append(bigEndian: count)
        buffer.append(bigEndian: Int32(1))
        for value in values {
            let at = buffer.count
            buffer.append(bigEndian: Int32(0))
            try value.encode(into: &buffer)
            guard let length = Int32(exactly: buffer.count - at - 4) else {
                throw PostgresError(code: .usage, message: "an array element of 2 GiB or more does not fit PostgreSQL")
            }
            withUnsafeBytes(of: length.bigEndian) { buffer.replaceSubrange(at..<at + 4, with: $0) }
        }
    }

    /// Reads the elements; NULLs and further dimensions are errors.
    public static func decodeArray(_ field: PostgresField) throws -> [Self] {
        var rest = field.bytes
        func next() throws -> Int32 {
            guard rest.count >= 4 else { throw field.malformed([Self].self) }
            let value = Int32(bigEndian: rest.loadUnaligned(as: Int32.self))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(4))
            return value
        }
        let (dimensions, flags) = (try next(), try next())
        let element = PostgresType(rawValue: UInt32(bitPattern: try next()))
        // A scalar whose bytes happen to look like a header must not pass: known scalars have no such flags or types.
        guard (0...6).contains(dimensions), (0...1).contains(flags), !field.type.isScalar else {
            throw field.mismatch([Self].self)
        }
        guard dimensions > 0 else { return [] }
        guard dimensions == 1 else {
            throw field.failure("is an array of \(dimensions) dimensions and cannot be read as \([Self].self)")
        }
        let (count, _) = (try next(), try next())
        guard count >= 0, Int(count) <= rest.count / 4 else { throw field.malformed([Self].self) }
        var values: [Self] = []
        values.reserveCapacity(Int(count))
        for index in 0..<count {
            let length = try next()
            guard length != -1 else {
                throw field.failure("has NULL at element \(index + 1), and arrays with NULLs cannot be read")
            }
            guard length >= 0, Int(length) <= rest.count else { throw field.malformed([Self].self) }
            let bytes = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(length)))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(Int(length)))
            values.append(try decode(PostgresField(column: field.column, type: element, bytes: bytes)))
        }
        guard rest.isEmpty else { throw field.malformed([Self].self) }
        return values
    }
}

extension PostgresType {
    /// Whether this is certainly no array.
    var isScalar: Bool { Self.scalars.contains(self) }

    private static let scalars: Set<PostgresType> = [
        .bool, .bytea, .char, .name, .int8, .int2, .int4, .text, .oid, .json, .xml, .float4, .float8, .unknown,
        .bpchar, .varchar, .date, .timestamp, .timestamptz, .interval, .numeric, .uuid, .jsonb, .void,
    ]
}

extension UInt8: PostgresArrayElement {
    /// `bytea`
    public static var postgresArrayType: PostgresType { .bytea }
    /// Appends the bytes.
    public static func encodeArray(_ values: [UInt8], into buffer: inout [UInt8]) { buffer.append(contentsOf: values) }
    /// The bytes themselves, not a copy.
    public static func encodedArray(_ values: [UInt8]) -> ArraySlice<UInt8> { values[...] }
    /// Reads `bytea`.
    public static func decodeArray(_ field: PostgresField) throws -> [UInt8] {
        guard field.type == .bytea else { throw field.mismatch([UInt8].self) }
        return Array(field.bytes)
    }
}

extension Array: PostgresArrayElement where Element == UInt8 {
    /// `bytea[]`
    public static var postgresArrayType: PostgresType { .byteaArray }
}

extension Bool: PostgresArrayElement {
    /// `bool[]`
    public static var postgresArrayType: PostgresType { .boolArray }
}

extension Int16: PostgresArrayElement {
    /// `int2[]`
    public static var postgresArrayType: PostgresType { .int2Array }
}

extension Int32: PostgresArrayElement {
    /// `int4[]`
    public static var postgresArrayType: PostgresType { .int4Array }
}

extension Int64: PostgresArrayElement {
    /// `int8[]`
    public static var postgresArrayType: PostgresType { .int8Array }
}

extension Int: PostgresArrayElement {
    /// `int8[]`
    public static var postgresArrayType: PostgresType { .int8Array }
}

extension Double: PostgresArrayElement {
    /// `float8[]`
    public static var postgresArrayType: PostgresType { .float8Array }
}

extension Float: PostgresArrayElement {
    /// `float4[]`
    public static var postgresArrayType: PostgresType { .float4Array }
}

extension String: PostgresArrayElement {
    /// `text[]`
    public static var postgresArrayType: PostgresType { .textArray }
}

extension JSONText: PostgresArrayElement {
    /// `jsonb[]`
    public static var postgresArrayType: PostgresType { .jsonbArray }
}

extension PostgresTimestamp: PostgresArrayElement {
    /// `timestamptz[]`
    public static var postgresArrayType: PostgresType { .timestamptzArray }
}

extension Date: PostgresArrayElement {
    /// `timestamptz[]`
    public static var postgresArrayType: PostgresType { .timestamptzArray }
}

extension UUID: PostgresArrayElement {
    /// `uuid[]`
    public static var postgresArrayType: PostgresType { .uuidArray }
}
