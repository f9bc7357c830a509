import CAggregation
import ECLMCore

/// The inner loops of the weighted sum: in double precision, one multiplication and one addition for each value, in the
/// order of the rows and of the calls.
enum WeightedSums {
    /// Adds weighted rows of a floating-point dtype one after the other; of any alignment.
    static func add(
        _ rows: UnsafeBufferPointer<UnsafeRawPointer?>, _ dtype: ElementType, _ weights: UnsafePointer<Double>,
        to sums: UnsafeMutablePointer<Double>, _ count: Int
    ) {
        eclm_add_rows(dtype.loops, rows.baseAddress, weights, rows.count, count, sums)
    }

    /// Adds one weighted row.
    static func add(
        _ row: UnsafeRawPointer, _ dtype: ElementType, _ weight: Double, to sums: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        withUnsafePointer(to: Optional(row)) { row in
            withUnsafePointer(to: weight) { eclm_add_rows(dtype.loops, row, $0, 1, count, sums) }
        }
    }

    /// Adds one weighted row of a difference: what it leaves alone is -0, which leaves every sum and its sign alone.
    static func addDifference(
        _ row: UnsafeRawPointer, _ dtype: ElementType, _ weight: Double, to sums: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        eclm_add_difference(dtype.loops, row, weight, count, sums)
    }

    /// Adds a weighted difference in units of a scale.
    static func add(
        codes: UnsafeRawPointer, scale: Float, _ weight: Double, to sums: UnsafeMutablePointer<Double>, _ count: Int
    ) {
        eclm_add_codes(codes.assumingMemoryBound(to: Int8.self), Double(scale), weight, count, sums)
    }

    /// Writes sums in a dtype, rounded once to nearest even, as ``ElementType/append(_:to:)`` does.
    static func write(_ sums: UnsafeBufferPointer<Double>, as dtype: ElementType, to bytes: UnsafeMutableRawPointer) {
        guard dtype == .f32 else {
            var rounded: [UInt8] = []
            dtype.append(sums, to: &rounded)
            rounded.withUnsafeBytes { rounded in
                if let start = rounded.baseAddress { bytes.copyMemory(from: start, byteCount: rounded.count) }
            }
            return
        }
        eclm_round_to_f32(sums.baseAddress, sums.count, bytes)
    }
}

extension ElementType {
    /// The dtype's name in the loops; it must be a floating-point one.
    var loops: eclm_type {
        switch self {
        case .f64: eclm_f64
        case .f16: eclm_f16
        case .bf16: eclm_bf16
        default: eclm_f32
        }
    }
}
