/// The squared Euclidean distance, in an order of additions that depends on nothing but the number of values.
enum SquaredDifferences {
    /// The sum, going on from `sum`, of the squared differences of two rows, group by group of
    /// ``CoordinateBlocks/group`` values.
    static func add(
        _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>, _ length: Int, to sum: Double
    ) -> Double {
        var sum = sum
        var start = 0
        while start < length {
            let end = min(start &+ CoordinateBlocks.group, length)
            var lanes = SIMD4<Double>()
            var position = start
            while position &+ 4 <= end {
                let difference = load(left + position) - load(right + position)
                lanes += difference * difference
                position &+= 4
            }
            var part = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
            while position < end {
                let difference = left[position] - right[position]
                part += difference * difference
                position &+= 1
            }
            sum += part
            start = end
        }
        return sum
    }

    @inline(__always)
    private static func load(_ values: UnsafePointer<Double>) -> SIMD4<Double> {
        UnsafeRawPointer(values).loadUnaligned(as: SIMD4<Double>.self)
    }
}
