extension ElementType {
    /// Elements converted at once: small enough for the first-level cache.
    package static let conversionBlock = 4096

    /// Converts values to double precision, which holds each of them exactly.
    ///
    /// - Parameters:
    ///   - bytes: Elements of this type, which must be a floating-point one.
    ///   - values: Room for exactly as many.
    package func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Double>) {
        precondition(bytes.count == values.count * byteCount, "\(bytes.count) bytes are not \(values.count) values")
        if self == .f64 {
            UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
            return
        }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.conversionBlock) { scratch in
            var done = 0
            while done < values.count {
                let length = min(Self.conversionBlock, values.count - done)
                let piece = UnsafeRawBufferPointer(
                    rebasing: bytes[(done * byteCount)..<((done + length) * byteCount)])
                decode(piece, into: UnsafeMutableBufferPointer(rebasing: scratch[..<length]))
                for position in 0..<length { values[done + position] = Double(scratch[position]) }
                done += length
            }
        }
    }

    /// The largest finite value of this type, which must be a floating-point one.
    package var largestFinite: Double {
        switch self {
        case .f64: .greatestFiniteMagnitude
        case .f16: 65_504
        case .bf16: Double(Float(bitPattern: 0x7F7F_0000))
        default: Double(Float.greatestFiniteMagnitude)
        }
    }

    /// Appends values in this type, which must be a floating-point one, rounded once to nearest even.
    ///
    /// Values beyond the type's range become its largest: a mean of finite numbers is finite, but for roundings on the
    /// way, and a version plus a difference may leave the range.
    package func append(_ values: UnsafeBufferPointer<Double>, to file: inout [UInt8]) {
        let largest = largestFinite
        var rest = values
        while !rest.isEmpty {
            let block = rest.prefix(Self.conversionBlock)
            switch self {
            case .f64: block.map { min(max($0, -largest), largest) }.withUnsafeBytes { file += $0 }
            case .f32: file += encode(block.map { Float(min(max($0, -largest), largest)) })
            default: file += encode(block.map { Self.roundedToOdd(min(max($0, -largest), largest)) })
            }
            rest = UnsafeBufferPointer(rebasing: rest.dropFirst(Self.conversionBlock))
        }
    }

    /// Double to single precision, rounded to odd where inexact: rounding once more, to a type at least two bits
    /// narrower, then gives what rounding the double at once would (Boldo and Melquiond, 2008).
    @inline(__always)
    private static func roundedToOdd(_ value: Double) -> Float {
        let nearest = Float(value)
        let back = Double(nearest)
        if back == value || !nearest.isFinite { return nearest }
        let towardZero = back.magnitude > value.magnitude ? nearest.bitPattern &- 1 : nearest.bitPattern
        return Float(bitPattern: towardZero | 1)
    }
}
