import Core

/// The inner loops of the weighted sum: in double precision, one multiplication and one addition for each value, in the
/// order of the calls. They are plain loops over pointers, which the compiler turns into vector instructions.
///
/// What a difference leaves alone is -0, which leaves every sum and its sign alone.
enum WeightedSums {
    /// Adds four weighted rows in their order, reading and writing the sums once.
    @inline(__always)
    static func add(
        _ rows: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>),
        _ weights: (Double, Double, Double, Double), to sums: UnsafeMutablePointer<Double>, _ count: Int
    ) {
        let (a, b, c, d) = rows
        let (u, v, w, x) = weights
        var position = 0
        while position < count {
            var sum = sums[position]
            sum += u * Double(a[position])
            sum += v * Double(b[position])
            sum += w * Double(c[position])
            sum += x * Double(d[position])
            sums[position] = sum
            position &+= 1
        }
    }

    @inline(__always)
    static func add(
        _ values: UnsafePointer<Float>, _ weight: Double, to sums: UnsafeMutablePointer<Double>, _ count: Int
    ) {
        var position = 0
        while position < count {
            sums[position] += weight * Double(values[position])
            position &+= 1
        }
    }

    @inline(__always)
    static func addDifference(
        _ values: UnsafePointer<Float>, _ weight: Double, to sums: UnsafeMutablePointer<Double>, _ count: Int
    ) {
        var position = 0
        while position < count {
            let value = Double(values[position])
            sums[position] += weight * (value == 0 ? -0.0 : value)
            position &+= 1
        }
    }

    /// Doubles of any alignment.
    static func add(
        doubles: UnsafeRawPointer, isDifference: Bool, _ weight: Double, to sums: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        for position in 0..<count {
            let value = doubles.loadUnaligned(fromByteOffset: position &* 8, as: Double.self)
            sums[position] += weight * (isDifference && value == 0 ? -0.0 : value)
        }
    }

    /// Values that share a scale.
    @inline(__always)
    static func add(
        _ codes: UnsafePointer<Int8>, scale: Double, _ weight: Double, to sums: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        var position = 0
        while position < count {
            let value = scale * Double(codes[position])
            sums[position] += weight * (value == 0 ? -0.0 : value)
            position &+= 1
        }
    }

    /// Writes sums in a dtype, rounded once to nearest even, as ``ElementType/append(_:to:)`` does.
    static func write(_ sums: UnsafeBufferPointer<Double>, as dtype: ElementType, to bytes: UnsafeMutableRawPointer) {
        guard dtype == .f32 else {
            var rounded: [UInt8] = []
            dtype.append(sums, to: &rounded)
            rounded.withUnsafeBytes {
                bytes.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(bytes), byteCount: $0.count)
            }
            return
        }
        let largest = dtype.largestFinite
        for position in 0..<sums.count {
            let value = sums[position]
            let bounded = value > largest ? largest : value < -largest ? -largest : value
            bytes.storeBytes(of: Float(bounded), toByteOffset: position &* 4, as: Float.self)
        }
    }
}
