import Core

extension ElementType {
    /// Elements converted at once: small enough for the first-level cache.
    static let conversionBlock = 4096

    /// Converts values to double precision, which holds each of them exactly.
    ///
    /// - Parameters:
    ///   - bytes: Elements of this type, which must be a floating-point one.
    ///   - values: Room for exactly as many.
    func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Double>) {
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

    /// Appends values in this type, which must be a floating-point one, rounded once to nearest even.
    func append(_ values: UnsafeBufferPointer<Double>, to file: inout [UInt8]) {
        var rest = values
        while !rest.isEmpty {
            let block = rest.prefix(Self.conversionBlock)
            switch self {
            case .f64:
                // A mean of finite numbers is finite; only roundings on the way can carry it over the edge.
                let largest = Double.greatestFiniteMagnitude
                block.map { min(max($0, -largest), largest) }.withUnsafeBytes { file += $0 }
            case .f32: file += encode(block.map { Float($0) })
            default: file += encode(block.map(Self.roundedToOdd))
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
