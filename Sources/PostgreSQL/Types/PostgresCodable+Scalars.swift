extension Bool: PostgresCodable {
    /// `bool`
    public static var postgresType: PostgresType { .bool }
    /// One byte.
    public func encode(into buffer: inout [UInt8]) { buffer.append(self ? 1 : 0) }
    /// Reads `bool`.
    public static func decode(_ field: PostgresField) throws -> Bool {
        guard field.type == .bool else { throw field.mismatch(Self.self) }
        guard field.bytes.count == 1 else { throw field.malformed(Self.self) }
        return field.bytes[0] != 0
    }
}

extension Int16: PostgresCodable {
    /// `int2`
    public static var postgresType: PostgresType { .int2 }
    /// Two bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }
    /// Reads `int2`.
    public static func decode(_ field: PostgresField) throws -> Int16 {
        guard field.type == .int2 else { throw field.mismatch(Self.self) }
        return try field.integer(Int16.self, for: Self.self)
    }
}

extension Int32: PostgresCodable {
    /// `int4`
    public static var postgresType: PostgresType { .int4 }
    /// Four bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }
    /// Reads `int4` and `int2`.
    public static func decode(_ field: PostgresField) throws -> Int32 {
        switch field.type {
        case .int4: try field.integer(Int32.self, for: Self.self)
        case .int2: Int32(try field.integer(Int16.self, for: Self.self))
        default: throw field.mismatch(Self.self)
        }
    }
}

extension Int64: PostgresCodable {
    /// `int8`
    public static var postgresType: PostgresType { .int8 }
    /// Eight bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }
    /// Reads `int8`, `int4`, `int2` and `oid`.
    public static func decode(_ field: PostgresField) throws -> Int64 {
        switch field.type {
        case .int8: try field.integer(Int64.self, for: Self.self)
        case .int4: Int64(try field.integer(Int32.self, for: Self.self))
        case .int2: Int64(try field.integer(Int16.self, for: Self.self))
        case .oid: Int64(try field.integer(UInt32.self, for: Self.self))
        default: throw field.mismatch(Self.self)
        }
    }
}

extension Int: PostgresCodable {
    /// `int8`
    public static var postgresType: PostgresType { .int8 }
    /// Eight bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: Int64(self)) }
    /// Reads `int8`, `int4`, `int2` and `oid`.
    public static func decode(_ field: PostgresField) throws -> Int {
        guard let value = Int(exactly: try Int64.decode(field)) else { throw field.malformed(Self.self) }
        return value
    }
}

extension Double: PostgresCodable {
    /// `float8`
    public static var postgresType: PostgresType { .float8 }
    /// Eight bytes, IEEE 754.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: bitPattern) }
    /// Reads `float8` and `float4`.
    public static func decode(_ field: PostgresField) throws -> Double {
        switch field.type {
        case .float8: Double(bitPattern: try field.integer(UInt64.self, for: Self.self))
        case .float4: Double(Float(bitPattern: try field.integer(UInt32.self, for: Self.self)))
        default: throw field.mismatch(Self.self)
        }
    }
}

extension Float: PostgresCodable {
    /// `float4`
    public static var postgresType: PostgresType { .float4 }
    /// Four bytes, IEEE 754.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: bitPattern) }
    /// Reads `float4`.
    public static func decode(_ field: PostgresField) throws -> Float {
        guard field.type == .float4 else { throw field.mismatch(Self.self) }
        return Float(bitPattern: try field.integer(UInt32.self, for: Self.self))
    }
}

extension String: PostgresCodable {
    /// `text`; write a cast for another type: `\(kind)::module_kind`.
    public static var postgresType: PostgresType { .text }
    /// UTF-8.
    public func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: utf8) }
    /// Reads the text-like types, json, jsonb, and enums and other types of the schema's own that send text.
    public static func decode(_ field: PostgresField) throws -> String {
        var bytes = field.bytes[...]
        switch field.type {
        case .text, .varchar, .bpchar, .name, .char, .unknown, .json, .xml: break
        case .jsonb: bytes = try jsonbText(field)
        case let other where other.isUserDefined: break
        default: throw field.mismatch(Self.self)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw field.malformed(Self.self) }
        return text
    }
}
