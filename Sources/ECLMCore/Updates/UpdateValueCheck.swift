/// Checks the values of an update piece by piece, as they arrive: what its header cannot tell.
///
/// Values and scales must be finite, scales at least 0, and places ascending and within their tensors. A difference may
/// be at most twice the largest value of the base's dtype: two finite weights are not further apart.
package struct UpdateValueCheck: Sendable {
    private let layout: UpdateLayout
    private var places: [ExactText: GapDecoder] = [:]

    package init(layout: UpdateLayout) {
        self.layout = layout
        for (name, content) in layout.contents {
            if case .gaps(let elements, _) = content { places[name] = GapDecoder(elements: elements) }
        }
    }

    /// Takes whole elements of a tensor of the file; pieces of one tensor come in order.
    ///
    /// - Parameter first: The number of the first element.
    /// - Throws: ``UpdateError`` naming tensor and element.
    package mutating func consume(
        _ bytes: UnsafeRawBufferPointer, of tensor: TensorDescription, from first: Int
    ) throws {
        if let element = tensor.dtype.firstNonFinite(in: bytes) {
            let value = Self.value(element, tensor.dtype, bytes)
            throw UpdateError(
                .notFinite,
                "tensor \(tensor.name) holds \(value.isNaN ? "NaN" : "infinity") at element \(first + element)",
                tensor: tensor.name)
        }
        switch layout.contents[ExactText(tensor.name)] {
        case .values(let largest):
            guard layout.encoding.isDifference, largest < Double(Float.greatestFiniteMagnitude) else { return }
            try check(bytes, of: tensor, from: first, within: -largest...largest)
        case .scales(let largest):
            try check(bytes, of: tensor, from: first, within: 0...largest)
        case .gaps:
            guard var decoder = places[ExactText(tensor.name)] else { return }
            do {
                for byte in bytes { _ = try decoder.take(byte) }
            } catch var error as UpdateError {
                error.message = "tensor \(tensor.name): \(error.message)"
                error.tensor = tensor.name
                throw error
            }
            places[ExactText(tensor.name)] = decoder
        case .anything, nil: return
        }
    }

    /// Checks what only the whole file tells.
    ///
    /// - Throws: ``UpdateError`` with `invalidPlaces` where there are not as many places as values.
    package func finish() throws {
        for (name, decoder) in places.sorted(by: { $0.key < $1.key }) {
            guard case .gaps(_, let count)? = layout.contents[name] else { continue }
            guard decoder.isBetweenPlaces, decoder.count == count else {
                throw UpdateError(
                    .invalidPlaces, "tensor \(name) tells \(decoder.count) places for \(count) values",
                    tensor: name.string)
            }
        }
    }

    private func check(
        _ bytes: UnsafeRawBufferPointer, of tensor: TensorDescription, from first: Int,
        within range: ClosedRange<Double>
    ) throws {
        for element in 0..<(bytes.count / tensor.dtype.byteCount) {
            let value = Self.value(element, tensor.dtype, bytes)
            guard range.contains(value) else {
                throw UpdateError(
                    .notFinite,
                    "tensor \(tensor.name) holds \(value) at element \(first + element), which is not between "
                        + "\(range.lowerBound) and \(range.upperBound)", tensor: tensor.name)
            }
        }
    }

    private static func value(_ element: Int, _ dtype: ElementType, _ bytes: UnsafeRawBufferPointer) -> Double {
        let size = dtype.byteCount
        let piece = UnsafeRawBufferPointer(rebasing: bytes[(element * size)..<((element + 1) * size)])
        var value: Double = 0
        withUnsafeMutablePointer(to: &value) {
            dtype.decode(piece, into: UnsafeMutableBufferPointer(start: $0, count: 1))
        }
        return value
    }
}
