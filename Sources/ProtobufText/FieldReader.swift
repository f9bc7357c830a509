/// Steps from field to field of an encoded message, without a look at what they mean.
struct FieldReader {
    /// Which field comes next, and how its value is written.
    struct Tag: Equatable {
        var field: UInt32
        var wireType: UInt8

        /// Whether the value says how many bytes it has: a string, bytes, a message, packed numbers.
        var isDelimited: Bool { wireType == 2 }
    }

    private let bytes: UnsafeRawBufferPointer
    /// The offset of the next unread byte.
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The next field's tag; `nil` at the end, and where there is none.
    mutating func tag() -> Tag? {
        guard let tag = varint(), let field = UInt32(exactly: tag >> 3) else { return nil }
        return Tag(field: field, wireType: UInt8(tag & 7))
    }

    /// Steps over a value that is not delimited.
    mutating func skip(_ tag: Tag) -> Bool {
        switch tag.wireType {
        case 0: varint() != nil
        case 1: advance(8)
        case 5: advance(4)
        default: false
        }
    }

    /// The bytes of a delimited value.
    mutating func delimited() -> UnsafeRawBufferPointer? {
        guard let length = varint(), let count = Int(exactly: length) else { return nil }
        let start = offset
        guard advance(count) else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
    }

    /// How often a field stands in `bytes`.
    static func count(_ wanted: Tag, in bytes: UnsafeRawBufferPointer) -> Int {
        var reader = FieldReader(bytes)
        var count = 0
        while let tag = reader.tag() {
            if tag.field == wanted.field { count += 1 }
            guard tag.isDelimited ? reader.delimited() != nil : reader.skip(tag) else { break }
        }
        return count
    }

    private mutating func advance(_ count: Int) -> Bool {
        guard count <= bytes.count - offset else { return false }
        offset += count
        return true
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard offset < bytes.count else { return nil }
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
