/// Rounds differences to 8 bits: the largest of a run of values becomes ±127, and what lies between is rounded to
/// nearest even.
///
/// A run is a row of the first dimension, an output of a linear or convolutional layer; a tensor of less than two
/// dimensions is one run. Outputs change by amounts that are orders of magnitude apart, and the error of a value is half
/// a step of its run: a row loses less than a tensor, for 4 bytes each.
///
/// Of a tensor `NAME` a file has `NAME` I8 of the base's shape and `NAME#scale` F32, one for each index of the first
/// dimension, or one for the whole tensor (shape `[]`).
enum Int8DeltaEncoding: UpdateCoding {
    static let name = "int8_delta"
    static let summary = "the differences in 8 bits a weight, with a scale for each output row"

    private static func scaleName(_ tensor: String) -> String { tensor + "#scale" }

    static func fit(_ tensor: TensorDescription, in file: inout UpdateFitting) throws {
        let values = try file.take(tensor.name, of: tensor, shape: tensor.shape, [.i8])
        file.contents[ExactText(values.name)] = .anything
        let scales = try file.take(scaleName(tensor.name), of: tensor, shape: nil, [.f32])
        let elements = tensor.elementCount ?? 0
        let run: Int
        if scales.shape.isEmpty {
            run = max(elements, 1)
        } else {
            guard let rows = tensor.shape.first, scales.shape == [rows] else {
                throw UpdateError(
                    .mismatch,
                    "tensor \(scales.name) has shape \(scales.shape), not [] or [\(tensor.shape.first.map(String.init) ?? "")]",
                    tensor: tensor.name)
            }
            run = rows == 0 ? 1 : max(elements / rows, 1)
        }
        file.contents[ExactText(scales.name)] = .scales(largest: 2 * tensor.dtype.largestFinite / 127)
        file.parts[ExactText(tensor.name)] = .quantised(values: values.name, scales: scales.name, run: run)
    }

    /// Adds all tensors of a difference.
    ///
    /// - Returns: What rounding lost.
    static func add(
        _ difference: Difference, fraction: Double, to builder: inout SafetensorsBuilder
    ) throws -> UpdateResidual? {
        var rest: [ExactText: UpdateResidual.Values] = [:]
        for tensor in difference.tensors {
            var values = difference.floats(of: tensor)
            let rows = tensor.shape.count >= 2 ? tensor.shape[0] : 1
            let run = rows == 0 ? 0 : values.count / rows
            var scales = [Float](repeating: 0, count: rows)
            var codes = [Int8](repeating: 0, count: values.count)
            values.withUnsafeMutableBufferPointer { values in
                codes.withUnsafeMutableBufferPointer { codes in
                    for row in 0..<rows {
                        let range = (row * run)..<((row + 1) * run)
                        scales[row] = quantise(
                            UnsafeMutableBufferPointer(rebasing: values[range]),
                            into: UnsafeMutableBufferPointer(rebasing: codes[range]))
                    }
                }
            }
            try builder.add(
                TensorDescription(name: tensor.name, dtype: .i8, shape: tensor.shape),
                bytes: codes.withUnsafeBytes { Array($0) })
            try builder.add(
                scaleName(tensor.name), shape: tensor.shape.count >= 2 ? [rows] : [], floats: scales)
            rest[ExactText(tensor.name)] = .init(shape: tensor.shape, floats: values)
        }
        return UpdateResidual(tensors: rest)
    }

    /// Rounds one run, and leaves in `values` what that lost.
    ///
    /// - Returns: The scale. 0 where the largest value is too small for a normal one: then nothing is sent.
    private static func quantise(
        _ values: UnsafeMutableBufferPointer<Float>, into codes: UnsafeMutableBufferPointer<Int8>
    ) -> Float {
        guard let value = values.baseAddress, let code = codes.baseAddress else { return 0 }
        let count = values.count
        // Magnitudes are ordered as their bit patterns, whose maximum vectorises.
        var largest: UInt32 = 0
        var position = 0
        while position < count {
            largest = max(largest, value[position].bitPattern & 0x7FFF_FFFF)
            position &+= 1
        }
        let scale = Float(bitPattern: largest) / 127
        guard scale >= .leastNormalMagnitude else { return 0 }
        position = 0
        while position < count {
            // 1.5 · 2^23 has no room behind the point: adding it rounds to nearest even, and the sum's low bits are the
            // integer in two's complement.
            let quotient = min(max(value[position] / scale, -127), 127)
            code[position] = Int8(truncatingIfNeeded: (quotient + 12_582_912).bitPattern)
            position &+= 1
        }
        position = 0
        while position < count {
            value[position] = Float(Double(value[position]) - Double(scale) * Double(code[position]))
            position &+= 1
        }
        return scale
    }
}
