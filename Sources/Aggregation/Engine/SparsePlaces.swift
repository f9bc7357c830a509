import CAggregation
import ECLMCore

/// The places of a sparse tensor in memory, and where each stretch of coordinates begins among them.
struct SparsePlaces: Sendable {
    private let starts: [eclm_places]
    private let stretch: Int

    /// Reads the gaps once.
    ///
    /// - Parameters:
    ///   - elements: The number of elements that places may name.
    ///   - values: The number of places there must be.
    ///   - stretch: Coordinates between two places that can be gone on from.
    /// - Throws: ``UpdateError`` where the gaps are not as they must be.
    init(in gaps: UnsafeRawBufferPointer, elements: Int, values: Int, every stretch: Int) throws {
        var found = 0
        starts = [eclm_places](unsafeUninitializedCapacity: (elements + stretch - 1) / stretch) { starts, count in
            found = Int(
                eclm_find_places(
                    gaps.bindMemory(to: UInt8.self).baseAddress, gaps.count, elements, values, stretch,
                    starts.baseAddress))
            count = found == 1 ? starts.count : 0
        }
        self.stretch = stretch
        if found == 0 { try Self.refuse(gaps, elements: elements, values: values) }
    }

    /// Throws what is wrong with the gaps.
    private static func refuse(_ gaps: UnsafeRawBufferPointer, elements: Int, values: Int) throws {
        var decoder = GapDecoder(elements: elements)
        for byte in gaps { _ = try decoder.take(byte) }
        throw UpdateError(.invalidPlaces, "a sparse tensor tells \(decoder.count) places for \(values) values")
    }

    /// Reads on from the beginning of a stretch.
    func reader(from coordinate: Int) -> Reader {
        precondition(coordinate % stretch == 0, "coordinate \(coordinate) does not begin a stretch of \(stretch)")
        return Reader(at: starts[coordinate / stretch])
    }

    /// Where reading stands.
    struct Reader {
        fileprivate var at: eclm_places

        /// Adds the weighted values whose places lie in the range, which follows the one before.
        ///
        /// - Parameters:
        ///   - values: All of the tensor's.
        ///   - sums: That of the range's first coordinate.
        mutating func add(
            _ gaps: UnsafeRawBufferPointer, _ values: UnsafeRawPointer, _ weight: Double, in range: Range<Int>,
            to sums: UnsafeMutablePointer<Double>
        ) {
            eclm_add_places(
                gaps.bindMemory(to: UInt8.self).baseAddress, gaps.count, &at, values, weight, range.lowerBound,
                range.upperBound, sums)
        }
    }
}
