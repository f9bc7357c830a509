/// One row of a COPY from the server.
public struct PostgresCopyRow: Sendable {
    /// Each column's bytes in its type's binary format, `nil` for NULL. Slices of one buffer; nothing is copied.
    public let fields: [ArraySlice<UInt8>?]

    /// The number of columns.
    public var count: Int { fields.count }

    /// Reads a column. COPY does not say which types it sends, so the column must have `T`'s own type.
    /// - Throws: ``PostgresError`` with code `.decoding`.
    public func decode<T: PostgresCodable>(_ index: Int, as type: T.Type = T.self) throws -> T {
        guard let bytes = try field(index) else {
            throw PostgresError(code: .decoding, message: "column \(index) is NULL; read it with decodeIfPresent")
        }
        return try Self.read(bytes, index)
    }

    /// Reads a column that may be NULL.
    /// - Throws: ``PostgresError`` with code `.decoding`.
    public func decodeIfPresent<T: PostgresCodable>(_ index: Int, as type: T.Type = T.self) throws -> T? {
        guard let bytes = try field(index) else { return nil }
        return try Self.read(bytes, index)
    }

    private func field(_ index: Int) throws -> ArraySlice<UInt8>? {
        guard fields.indices.contains(index) else {
            throw PostgresError(code: .decoding, message: "there is no column \(index); the copy has \(count) columns")
        }
        return fields[index]
    }

    private static func read<T: PostgresCodable>(_ bytes: ArraySlice<UInt8>, _ index: Int) throws -> T {
        try bytes.withUnsafeBytes {
            try T.decode(PostgresField(column: "\(index)", type: T.postgresType, bytes: $0))
        }
    }
}

/// Takes apart the binary COPY format (manual, COPY, "Binary Format"). The server sends whole rows in each message, the
/// header in front of the first and the trailer after the last (manual, "COPY Operations").
struct CopyParser {
    private static let signature = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]

    private var hasHeader = false
    private var hasTrailer = false
    private var bytes: ArraySlice<UInt8> = []

    mutating func begin(_ message: [UInt8]) throws {
        bytes = message[...]
        guard !hasHeader else { return }
        guard bytes.starts(with: Self.signature) else { throw malformed("has no signature") }
        bytes = bytes.dropFirst(Self.signature.count)
        guard try integer(Int32.self) & 0x7FFF_0000 == 0 else { throw malformed("has unknown critical flags") }
        let length = try integer(Int32.self)
        guard length >= 0, Int(length) <= bytes.count else { throw malformed("has a header that is too long") }
        bytes = bytes.dropFirst(Int(length))
        hasHeader = true
    }

    mutating func next() throws -> PostgresCopyRow? {
        guard !bytes.isEmpty else { return nil }
        guard !hasTrailer else { throw malformed("goes on after its end") }
        let count = try integer(Int16.self)
        if count == -1 {
            hasTrailer = true
            guard bytes.isEmpty else { throw malformed("goes on after its end") }
            return nil
        }
        guard count >= 0 else { throw malformed("has a row of \(count) columns") }
        var fields: [ArraySlice<UInt8>?] = []
        fields.reserveCapacity(Int(count))
        for _ in 0..<count {
            let length = try integer(Int32.self)
            if length == -1 {
                fields.append(nil)
                continue
            }
            guard length >= 0, Int(length) <= bytes.count else { throw malformed("has a value that is cut off") }
            fields.append(bytes.prefix(Int(length)))
            bytes = bytes.dropFirst(Int(length))
        }
        return PostgresCopyRow(fields: fields)
    }

    private mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        let size = MemoryLayout<T>.size
        guard bytes.count >= size else { throw malformed("is cut off") }
        let value = bytes.prefix(size).withUnsafeBytes { T(bigEndian: $0.loadUnaligned(as: T.self)) }
        bytes = bytes.dropFirst(size)
        return value
    }

    private func malformed(_ problem: String) -> PostgresError {
        PostgresError(code: .decoding, message: "the COPY data \(problem)")
    }
}
