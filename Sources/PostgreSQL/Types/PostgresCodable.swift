/// A value that can be sent to PostgreSQL in the binary format of its type.
public protocol PostgresEncodable: Sendable {
    /// The type the parameter is declared with.
    static var postgresType: PostgresType { get }

    /// Appends the value's binary form, without a length.
    /// - Throws: ``PostgresError`` where the value does not fit the type.
    func encode(into buffer: inout [UInt8]) throws

    /// The value's binary form as a whole; by default what ``encode(into:)`` appends. Types that already hold their
    /// bytes return them without a copy.
    func encoded() throws -> ArraySlice<UInt8>
}

extension PostgresEncodable {
    /// What ``encode(into:)`` appends.
    public func encoded() throws -> ArraySlice<UInt8> {
        var buffer: [UInt8] = []
        try encode(into: &buffer)
        return buffer[...]
    }
}

/// A value that can be read from PostgreSQL's binary format.
public protocol PostgresDecodable: Sendable {
    /// Reads one value that is not NULL.
    /// - Throws: ``PostgresError`` with code `.decoding` where the column's type or its bytes do not fit.
    static func decode(_ field: PostgresField) throws -> Self

    /// What NULL reads as; `nil`, the default, makes NULL an error.
    static var null: Self? { get }
}

extension PostgresDecodable {
    /// NULL is an error.
    public static var null: Self? { nil }
}

/// A value that goes both ways.
public typealias PostgresCodable = PostgresEncodable & PostgresDecodable

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// Reads the wrapped value.
    public static func decode(_ field: PostgresField) throws -> Wrapped? { try Wrapped.decode(field) }

    /// NULL reads as `nil`.
    public static var null: Wrapped?? { .some(nil) }
}

/// One value as the server sent it; its bytes are valid only while it is being decoded.
public struct PostgresField {
    /// The column's name, for messages.
    public let column: String
    /// The value's type.
    public let type: PostgresType
    /// The value's binary form.
    public let bytes: UnsafeRawBufferPointer

    /// A field over bytes that outlive it.
    public init(column: String, type: PostgresType, bytes: UnsafeRawBufferPointer) {
        self.column = column
        self.type = type
        self.bytes = bytes
    }

    /// The error for a column whose type cannot be read as `wanted`.
    public func mismatch<T>(_ wanted: T.Type) -> PostgresError {
        failure("is \(type) and cannot be read as \(T.self)")
    }

    /// The error for a column whose bytes are not what its type promises.
    public func malformed<T>(_ wanted: T.Type) -> PostgresError {
        failure("is \(type), but its \(bytes.count) bytes cannot be read as \(T.self)")
    }

    func failure(_ problem: String) -> PostgresError {
        var error = PostgresError(code: .decoding, message: "column \"\(column)\" \(problem)")
        error.column = column
        return error
    }

    /// The whole field as one big-endian integer.
    func integer<T: FixedWidthInteger, Wanted>(_ type: T.Type, for wanted: Wanted.Type) throws -> T {
        guard bytes.count == MemoryLayout<T>.size else { throw malformed(wanted) }
        return T(bigEndian: bytes.loadUnaligned(as: T.self))
    }
}

extension [UInt8] {
    /// Appends an integer in network order.
    @inlinable
    mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

// A type with a raw value, such as an enum of strings, conforms by saying so: `extension ModuleKind: PostgresCodable {}`.

extension RawRepresentable where RawValue: PostgresEncodable {
    /// The raw value's type.
    public static var postgresType: PostgresType { RawValue.postgresType }
    /// Appends the raw value.
    public func encode(into buffer: inout [UInt8]) throws { try rawValue.encode(into: &buffer) }
}

extension RawRepresentable where RawValue: PostgresDecodable {
    /// Reads the raw value and refuses one that is not a case.
    public static func decode(_ field: PostgresField) throws -> Self {
        let raw = try RawValue.decode(field)
        guard let value = Self(rawValue: raw) else { throw field.failure("holds \(raw), which is no \(Self.self)") }
        return value
    }
}
