/// The places of a sparse update: ascending U32 indices, each written as how many elements lie between it and the one
/// before (the first: before it), as an unsigned LEB128 number. At one place in ten that takes a byte instead of four.
package enum GapCoding {
    /// Appends a number.
    package static func append(_ gap: UInt32, to bytes: inout [UInt8]) {
        var rest = gap
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

/// Reads the places of a sparse update byte by byte.
package struct GapDecoder: Sendable {
    /// The longest number, in bytes.
    package static let maximumBytes = 5

    /// The number of elements that places may name.
    private let elements: Int
    /// The least that the next place can be.
    private var next = 0
    private var gap: UInt64 = 0
    private var shift: UInt64 = 0
    /// The number of places read.
    package private(set) var count = 0

    package init(elements: Int) {
        self.elements = elements
    }

    /// Whether all bytes so far are whole numbers.
    package var isBetweenPlaces: Bool { shift == 0 }

    /// Takes the next byte.
    ///
    /// - Returns: A place when the byte was the last of one; `nil` else. Places ascend.
    /// - Throws: ``UpdateError`` with `invalidPlaces` for a place beyond the tensor, or a number longer than it need be.
    package mutating func take(_ byte: UInt8) throws -> Int? {
        gap |= UInt64(byte & 0x7F) << shift
        if byte & 0x80 != 0 {
            shift += 7
            guard shift < 7 * UInt64(Self.maximumBytes) else {
                throw UpdateError(
                    .invalidPlaces, "the gap before place \(count) has more than \(Self.maximumBytes) bytes")
            }
            return nil
        }
        guard byte != 0 || shift == 0 else {
            throw UpdateError(.invalidPlaces, "the gap before place \(count) is written with more bytes than it needs")
        }
        guard gap <= UInt64(UInt32.max), Int(gap) < elements - next else {
            throw UpdateError(
                .invalidPlaces, "place \(count), \(next + Int(gap)), is beyond the tensor's \(elements) elements")
        }
        let place = next + Int(gap)
        next = place + 1
        count += 1
        (gap, shift) = (0, 0)
        return place
    }
}
