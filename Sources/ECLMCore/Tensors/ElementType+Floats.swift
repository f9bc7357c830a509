// Values are stored little-endian; so are the machines that Swift runs on, and the loops below rely on it.
#if _endian(big)
    #error("the loops over tensor values assume a little-endian machine")
#endif

extension ElementType {
    /// Converts values to single precision. F64 is rounded to nearest, and becomes infinite beyond single precision;
    /// the other types convert exactly.
    ///
    /// - Parameters:
    ///   - bytes: Elements of this type, which must be a floating-point one; of any alignment.
    ///   - floats: Room for exactly as many values.
    public func decode(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>) {
        precondition(isFloatingPoint, "\(rawValue) values are no floating-point numbers")
        precondition(bytes.count == floats.count * byteCount, "\(bytes.count) bytes do not fill \(floats.count) values")
        guard let output = floats.baseAddress else { return }
        switch self {
        case .f64:
            bytes.forEachBlock(of: UInt64.self) { values, count, start in
                let target = output + start
                var position = 0
                while position < count {
                    target[position] = Float(Double(bitPattern: values[position]))
                    position &+= 1
                }
            }
        case .f16:
            bytes.forEachBlock(of: UInt16.self) { values, count, start in
                let target = output + start
                var position = 0
                while position < count {
                    target[position] = Self.single(half: values[position])
                    position &+= 1
                }
            }
        case .bf16:
            bytes.forEachBlock(of: UInt16.self) { values, count, start in
                let target = output + start
                var position = 0
                while position < count {
                    target[position] = Float(bitPattern: UInt32(truncatingIfNeeded: values[position]) &<< 16)
                    position &+= 1
                }
            }
        default:
            UnsafeMutableRawBufferPointer(floats).copyMemory(from: bytes)
        }
    }

    /// Converts values from single precision, rounding to nearest even; F16 becomes infinite beyond ±65,504.
    ///
    /// - Parameters:
    ///   - floats: The values.
    ///   - bytes: Room for exactly as many elements of this type, which must be a floating-point one; of any alignment.
    public func encode(_ floats: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
        precondition(isFloatingPoint, "\(rawValue) values are no floating-point numbers")
        precondition(bytes.count == floats.count * byteCount, "\(floats.count) values do not fill \(bytes.count) bytes")
        guard let output = bytes.baseAddress else { return }
        switch self {
        case .f64:
            for (position, value) in floats.enumerated() {
                output.storeBytes(of: Double(value).bitPattern, toByteOffset: position * 8, as: UInt64.self)
            }
        case .f16:
            for (position, value) in floats.enumerated() {
                output.storeBytes(of: Float16(value).bitPattern, toByteOffset: position * 2, as: UInt16.self)
            }
        case .bf16:
            for (position, value) in floats.enumerated() {
                output.storeBytes(of: Self.brain(value), toByteOffset: position * 2, as: UInt16.self)
            }
        default:
            bytes.copyMemory(from: UnsafeRawBufferPointer(floats))
        }
    }

    /// Converts values from single precision into new bytes; see ``encode(_:into:)``.
    public func encode(_ floats: [Float]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: floats.count * byteCount) { buffer, count in
            count = floats.count * byteCount
            floats.withUnsafeBufferPointer { values in
                encode(
                    values, into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])))
            }
        }
    }

    /// Half to single precision by integer operations and one multiplication, which vectorises without F16C.
    ///
    /// The half's exponent and mantissa, moved into the single's places, are a number 2^112 times too small; subnormals
    /// come out right since the multiplication normalises them. All exponent bits set must stay so.
    @inline(__always)
    private static func single(half: UInt16) -> Float {
        let magnitude = UInt32(truncatingIfNeeded: half & 0x7FFF) &<< 13
        let scaled = (Float(bitPattern: magnitude) * Float(bitPattern: 0x7780_0000)).bitPattern
        let special: UInt32 = magnitude >= 0x0F80_0000 ? 0x7F80_0000 : 0
        return Float(bitPattern: scaled | special | UInt32(truncatingIfNeeded: half & 0x8000) &<< 16)
    }

    /// Single precision to bfloat16, to nearest even; NaN stays NaN.
    @inline(__always)
    private static func brain(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }
}
