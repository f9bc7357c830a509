/// Chooses the differences that are largest in magnitude over the whole module (top-k: Strom 2015, Aji and Heafield
/// 2017), the earlier of equal ones.
struct Sparsifier {
    let fraction: Double

    /// Adds the chosen values of a difference.
    ///
    /// - Returns: What was not chosen.
    func add(_ difference: Difference, to builder: inout SafetensorsBuilder) throws -> UpdateResidual {
        let tensors = difference.tensors
        var values = tensors.map { difference.floats(of: $0) }
        let threshold = Threshold(values, fraction: fraction)
        var ties = threshold.ties
        var rest: [String: UpdateResidual.Values] = [:]
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
                    TensorDescription(name: UpdateLayout.gapsName(tensor.name), dtype: .u8, shape: [gaps.count]),
                    bytes: gaps)
                try builder.add(UpdateLayout.valuesName(tensor.name), shape: [chosen.count], floats: chosen)
            }
            rest[tensor.name] = .init(shape: tensor.shape, floats: values[number])
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
