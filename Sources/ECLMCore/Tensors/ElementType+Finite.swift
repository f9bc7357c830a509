extension [Float] {
    /// The position of the first value that is NaN or infinite; `nil` when all are finite.
    public var firstNonFinite: Int? { withUnsafeBytes { ElementType.f32.firstNonFinite(in: $0) } }
}

extension ElementType {
    /// The position of the first value that is NaN or infinite; `nil` when all are finite, or when the type has no such
    /// values.
    ///
    /// - Parameter bytes: Whole elements, little-endian, of any alignment.
    public func firstNonFinite(in bytes: UnsafeRawBufferPointer) -> Int? {
        precondition(bytes.count % byteCount == 0, "\(bytes.count) bytes are no whole number of \(rawValue) elements")
        switch self {
        case .f64: return Self.firstNonFinite64(bytes)
        case .f32: return Self.firstNonFinite32(bytes)
        case .f16: return Self.firstNonFinite16(bytes, exponentUnit: 0x0400)
        case .bf16: return Self.firstNonFinite16(bytes, exponentUnit: 0x0080)
        default: return nil
        }
    }

    // A value is NaN or infinite exactly when all bits of its exponent are set. Adding one exponent unit to the value
    // without its sign then carries into the sign's place, and only then: three integer operations an element and no
    // branch, so that the inner loops vectorise. Blocks bound the work repeated to find the position.

    private static func firstNonFinite64(_ bytes: UnsafeRawBufferPointer) -> Int? {
        bytes.firstBlock(of: UInt64.self) { values, count in
            var carry: UInt64 = 0
            var position = 0
            while position < count {
                carry |= (values[position] & 0x7FFF_FFFF_FFFF_FFFF) &+ 0x0010_0000_0000_0000
                position &+= 1
            }
            guard carry >> 63 != 0 else { return nil }
            return (0..<count).first { (values[$0] & 0x7FFF_FFFF_FFFF_FFFF) >= 0x7FF0_0000_0000_0000 }
        }
    }

    private static func firstNonFinite32(_ bytes: UnsafeRawBufferPointer) -> Int? {
        bytes.firstBlock(of: UInt32.self) { values, count in
            var carry: UInt32 = 0
            var position = 0
            while position < count {
                carry |= (values[position] & 0x7FFF_FFFF) &+ 0x0080_0000
                position &+= 1
            }
            guard carry >> 31 != 0 else { return nil }
            return (0..<count).first { (values[$0] & 0x7FFF_FFFF) >= 0x7F80_0000 }
        }
    }

    private static func firstNonFinite16(_ bytes: UnsafeRawBufferPointer, exponentUnit: UInt16) -> Int? {
        bytes.firstBlock(of: UInt16.self) { values, count in
            var carry: UInt16 = 0
            var position = 0
            while position < count {
                carry |= (values[position] & 0x7FFF) &+ exponentUnit
                position &+= 1
            }
            guard carry >> 15 != 0 else { return nil }
            return (0..<count).first { ((values[$0] & 0x7FFF) &+ exponentUnit) >> 15 != 0 }
        }
    }
}
