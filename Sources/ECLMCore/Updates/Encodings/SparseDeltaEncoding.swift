/// Chooses the differences that are largest in magnitude over the whole module (top-k: Strom 2015, Aji and Heafield
/// 2017), the earlier of equal ones.
///
/// Of a tensor `NAME` a file has `NAME#gaps` U8, their places in ``GapCoding``, and `NAME#values` F32, both of one
/// dimension; neither where nothing is sent.
enum SparseDeltaEncoding: UpdateCoding {
    static let name = "sparse_delta"
    static let summary = "the largest differences alone, with their places"

    private static func gapsName(_ tensor: String) -> String { tensor + "#gaps" }
    private static func valuesName(_ tensor: String) -> String { tensor + "#values" }

    static func fit(_ tensor: TensorDescription, in file: inout UpdateFitting) throws {
        let (gapsName, valuesName) = (Self.gapsName(tensor.name), Self.valuesName(tensor.name))
        if file.given[ExactText(gapsName)] == nil, file.given[ExactText(valuesName)] == nil { return }
        let gaps = try file.take(gapsName, of: tensor, shape: nil, [.u8])
        let values = try file.take(valuesName, of: tensor, shape: nil, [.f32])
        let elements = tensor.elementCount ?? 0
        guard gaps.shape.count == 1, values.shape.count == 1, values.shape[0] <= elements,
            gaps.shape[0] >= values.shape[0], gaps.shape[0] <= GapDecoder.maximumBytes * values.shape[0]
        else {
            throw UpdateError(
                .mismatch,
                "gaps of shape \(gaps.shape) and values of shape \(values.shape) are no part of the \(elements) values of "
                    + "tensor \(tensor.name)", tensor: tensor.name)
        }
        file.contents[ExactText(gaps.name)] = .gaps(elements: elements, count: values.shape[0])
        file.contents[ExactText(values.name)] = .values(largest: 2 * tensor.dtype.largestFinite)
        file.parts[ExactText(tensor.name)] = .sparse(gaps: gaps.name, values: values.name, count: values.shape[0])
    }

    /// Adds the chosen values of a difference.
    ///
    /// - Returns: What was not chosen.
    static func add(
        _ difference: Difference, fraction: Double, to builder: inout SafetensorsBuilder
    ) throws -> UpdateResidual? {
        let tensors = difference.tensors
        var values = tensors.map { difference.floats(of: $0) }
        let threshold = Threshold(values, fraction: fraction)
        var ties = threshold.ties
        var rest: [ExactText: UpdateResidual.Values] = [:]
        for (number, tensor) in tensors.enumerated() {
            guard values[number].count <= Int(UInt32.max) else {
                throw UpdateError(.mismatch, "tensor \(tensor.name) has too many elements", tensor: tensor.name)
            }
            var gaps: [UInt8] = []
            var chosen: [Float] = []
            var next = 0
            for place in values[number].indices {
                let magnitude = values[number][place].bitPattern & 0x7FFF_FFFF
                guard magnitude >= threshold.magnitude else { continue }
                if magnitude == threshold.magnitude {
                    guard ties > 0 else { continue }
                    ties -= 1
                }
                GapCoding.append(UInt32(place - next), to: &gaps)
                chosen.append(values[number][place])
                values[number][place] = 0
                next = place + 1
            }
            if !chosen.isEmpty {
                try builder.add(
                    TensorDescription(name: gapsName(tensor.name), dtype: .u8, shape: [gaps.count]),
                    bytes: gaps)
                try builder.add(valuesName(tensor.name), shape: [chosen.count], floats: chosen)
            }
            rest[ExactText(tensor.name)] = .init(shape: tensor.shape, floats: values[number])
            values[number] = []
        }
        return UpdateResidual(tensors: rest)
    }

    /// The magnitude of the last value that is chosen, as the bits of a single, and how many of exactly that magnitude
    /// are. Found in two counts over the halves of the bits, without sorting.
    private struct Threshold {
        var magnitude: UInt32
        var ties: Int

        init(_ tensors: [[Float]], fraction: Double) {
            let total = tensors.reduce(0) { $0 + $1.count }
            var counts = [Int](repeating: 0, count: 1 << 15)
            var zeros = 0
            for values in tensors {
                for value in values {
                    let bits = value.bitPattern & 0x7FFF_FFFF
                    counts[Int(bits >> 16)] += 1
                    if bits == 0 { zeros += 1 }
                }
            }
            // Zeros change nothing and are never sent.
            let wanted = min(max(1, Int((fraction * Double(total)).rounded(.up))), total - zeros)
            guard wanted > 0 else {
                (magnitude, ties) = (.max, 0)
                return
            }
            var left = wanted
            var upper = counts.count - 1
            while counts[upper] < left {
                left -= counts[upper]
                upper -= 1
            }
            counts = [Int](repeating: 0, count: 1 << 16)
            for values in tensors {
                for value in values {
                    let bits = value.bitPattern & 0x7FFF_FFFF
                    if Int(bits >> 16) == upper { counts[Int(bits & 0xFFFF)] += 1 }
                }
            }
            var lower = counts.count - 1
            while counts[lower] < left {
                left -= counts[lower]
                lower -= 1
            }
            magnitude = UInt32(upper) << 16 | UInt32(lower)
            ties = left
        }
    }
}
