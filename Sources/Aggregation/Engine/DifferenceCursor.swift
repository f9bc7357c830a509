import ECLMCore

/// Reads an update that is a difference, tensor by tensor of its base and in each from the first coordinate on.
///
/// What does not change is -0, the number that leaves every sum and its sign alone.
struct DifferenceCursor: Sendable {
    private let header: SafetensorsHeader
    private let layout: UpdateLayout
    /// Windows over the values, and over scales or gaps, which lie elsewhere in the file.
    private var values: BlobWindow
    private var others: BlobWindow
    private var sparse: SparsePosition?

    /// Where reading a sparse tensor stands.
    private struct SparsePosition: Sendable {
        var tensor: String
        var decoder: GapDecoder
        /// The coordinate to go on from.
        var coordinate = 0
        /// Bytes of gaps taken.
        var gaps = 0
        /// A place beyond the last block.
        var pending: Int?
    }

    /// Reads the header.
    ///
    /// - Parameters:
    ///   - tensors: The base's.
    ///   - stretch: Bytes to read at once from each of the two places in the file; blocks are read anyway.
    init(
        _ update: UpdateFile, tensors: [TensorDescription], owner: String, in blobs: any BlobSource, stretch: Int
    ) async throws {
        let (_, header) = try await update.file.header(in: blobs)
        self.header = header
        try TensorMatch.check(header.tensors, as: update.encoding, against: tensors, owner: owner)
        layout = try UpdateLayout(of: header.tensors, as: update.encoding, onto: tensors)
        values = BlobWindow(update.file, in: blobs, stretch: stretch)
        others = BlobWindow(update.file, in: blobs, stretch: stretch)
    }

    /// The differences of the coordinates from `first` on; of a sparse update's tensor, those behind what was read last,
    /// or the first.
    mutating func read(_ tensor: TensorDescription, from first: Int, count: Int) async throws -> [Double] {
        switch layout.parts[ExactText(tensor.name)] {
        case nil: return [Double](repeating: -0.0, count: count)
        case .values(let description):
            let bytes = try await values.read(range(description.name, first, count, description.dtype.byteCount))
            var result = [Double](repeating: 0, count: count)
            bytes.withUnsafeBytes { bytes in
                result.withUnsafeMutableBufferPointer { result in
                    description.dtype.decode(bytes, into: result)
                    for position in result.indices where result[position] == 0 { result[position] = -0.0 }
                }
            }
            return result
        case .quantised(let name, let scales, let run):
            return try await readQuantised(name, scales, run, first, count)
        case .sparse(let gaps, let name, let total):
            return try await readSparse(tensor, gaps, name, total, first, count)
        }
    }

    private mutating func readQuantised(
        _ name: String, _ scaleName: String, _ run: Int, _ first: Int, _ count: Int
    ) async throws -> [Double] {
        guard count > 0 else { return [] }
        let runs = (first / run)..<((first + count - 1) / run + 1)
        let scaleBytes = try await others.read(range(scaleName, runs.lowerBound, runs.count, 4))
        let codes = try await values.read(range(name, first, count, 1))
        var result = [Double](repeating: -0.0, count: count)
        codes.withUnsafeBytes { codes in
            scaleBytes.withUnsafeBytes { scales in
                result.withUnsafeMutableBufferPointer { result in
                    for number in runs {
                        let scale = Double(
                            scales.loadUnaligned(fromByteOffset: (number - runs.lowerBound) * 4, as: Float.self))
                        let start = max(number * run, first) - first
                        let end = min((number + 1) * run, first + count) - first
                        for position in start..<end {
                            let value = scale * Double(codes.load(fromByteOffset: position, as: Int8.self))
                            result[position] = value == 0 ? -0.0 : value
                        }
                    }
                }
            }
        }
        return result
    }

    private mutating func readSparse(
        _ tensor: TensorDescription, _ gapsName: String, _ valuesName: String, _ total: Int, _ first: Int, _ count: Int
    ) async throws -> [Double] {
        var position =
            sparse ?? SparsePosition(tensor: tensor.name, decoder: GapDecoder(elements: tensor.elementCount ?? 0))
        if position.tensor != tensor.name || first == 0 {
            position = SparsePosition(tensor: tensor.name, decoder: GapDecoder(elements: tensor.elementCount ?? 0))
        }
        precondition(position.coordinate == first, "a sparse update is read in order")
        sparse = nil
        var result = [Double](repeating: -0.0, count: count)
        let end = first + count
        let gapBytes = header[gapsName]?.byteRange ?? 0..<0
        // Places of this block: their values follow one another.
        var places: [Int] = []
        let firstValue = position.decoder.count - (position.pending == nil ? 0 : 1)
        if let pending = position.pending, pending < end {
            places.append(pending - first)
            position.pending = nil
        }
        while position.pending == nil, position.gaps < gapBytes.count {
            let begin = gapBytes.lowerBound + position.gaps
            let piece = try await others.read(begin..<min(begin + Self.gapPiece, gapBytes.upperBound))
            for byte in piece {
                position.gaps += 1
                guard let place = try position.decoder.take(byte) else { continue }
                guard place < end else {
                    position.pending = place
                    break
                }
                places.append(place - first)
            }
        }
        guard firstValue + places.count <= total else {
            throw UpdateError(.invalidPlaces, "tensor \(tensor.name) has more places than values", tensor: tensor.name)
        }
        var done = 0
        while done < places.count {
            let length = min(Self.valuePiece, places.count - done)
            let bytes = try await values.read(range(valuesName, firstValue + done, length, 4))
            bytes.withUnsafeBytes { bytes in
                for number in 0..<length {
                    let value = Double(bytes.loadUnaligned(fromByteOffset: number * 4, as: Float.self))
                    if value != 0 { result[places[done + number]] = value }
                }
            }
            done += length
        }
        position.coordinate = end
        sparse = position
        return result
    }

    private static let gapPiece = 4096
    private static let valuePiece = 4096

    /// Where some elements of a tensor lie in the file.
    private func range(_ tensor: String, _ first: Int, _ count: Int, _ size: Int) -> Range<Int> {
        let start = (header[tensor]?.byteRange.lowerBound ?? 0) + first * size
        return start..<(start + count * size)
    }
}
