import Core

/// Where reading the places of a sparse tensor in memory stands.
struct SparseReader: Sendable {
    private var decoder: GapDecoder
    /// Bytes of gaps taken.
    private var taken = 0
    /// A place that was read and not yet given.
    private var pending: Int?

    private init(elements: Int) { decoder = GapDecoder(elements: elements) }

    /// Readers that stand before the first place of each stretch of so many coordinates.
    ///
    /// - Parameter values: The number of places there must be.
    /// - Throws: ``UpdateError`` where the gaps are not as they must be.
    static func starts(
        in gaps: UnsafeRawBufferPointer, elements: Int, values: Int, every stretch: Int
    ) throws -> [SparseReader] {
        var reader = SparseReader(elements: elements)
        var starts: [SparseReader] = []
        for end in stride(from: stretch, to: elements + stretch, by: stretch) {
            starts.append(reader)
            try reader.advance(below: end, in: gaps) { _, _ in }
        }
        guard reader.taken == gaps.count, reader.pending == nil, reader.decoder.isBetweenPlaces,
            reader.decoder.count == values
        else {
            throw UpdateError(
                .invalidPlaces, "a sparse tensor tells \(reader.decoder.count) places for \(values) values")
        }
        return starts
    }

    /// Calls `body` with each place below `end` that was not given yet, and the number of its value. The gaps were read
    /// to the end once.
    mutating func forEachPlace(below end: Int, in gaps: UnsafeRawBufferPointer, _ body: (Int, Int) -> Void) {
        do {
            try advance(below: end, in: gaps, body)
        } catch {
            preconditionFailure("gaps that were read before are not readable: \(error)")
        }
    }

    private mutating func advance(below end: Int, in gaps: UnsafeRawBufferPointer, _ body: (Int, Int) -> Void) throws {
        if let place = pending {
            guard place < end else { return }
            body(place, decoder.count - 1)
            pending = nil
        }
        while taken < gaps.count {
            let byte = gaps[taken]
            taken += 1
            guard let place = try decoder.take(byte) else { continue }
            guard place < end else {
                pending = place
                return
            }
            body(place, decoder.count - 1)
        }
    }
}
