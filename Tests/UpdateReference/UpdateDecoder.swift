public import ECLMCore

/// Makes weights of updates, one file at a time: what the streamed sums of the trainer are compared with.
public enum UpdateDecoder {
    /// The weights that an update stands for: for a difference, the base's plus it.
    ///
    /// Sums are in double precision and rounded once to the base's dtype; values beyond its range become its largest. The
    /// file has the base's header byte for byte, and the base's values where a tensor is no floating-point one. These are
    /// the bytes that the trainer makes of a single update.
    ///
    /// - Parameters:
    ///   - update: The update.
    ///   - base: The version that the update names as its base.
    /// - Throws: `UpdateError` when the update is none in its encoding.
    public static func decode(
        _ update: SafetensorsFile, as encoding: UpdateEncoding, onto base: SafetensorsFile
    ) throws -> [UInt8] {
        let layout = try UpdateLayout(of: update.header.tensors, as: encoding, onto: base.header.tensors)
        var check = UpdateValueCheck(layout: layout)
        for tensor in update.tensors {
            try tensor.withUnsafeBytes { try check.consume($0, of: tensor.description, from: 0) }
        }
        try check.finish()
        var file = base.withUnsafeBytes { Array($0.prefix(base.header.dataOffset)) }
        file.reserveCapacity(base.header.byteCount)
        for tensor in base.tensors {
            guard tensor.dtype.isFloatingPoint else {
                file += tensor.bytes()
                continue
            }
            var values: [Double]
            if encoding.isDifference {
                values = tensor.doubles()
                for (position, change) in try changes(of: tensor.description, update, layout) {
                    values[position] += change
                }
            } else {
                values = try update.tensor(tensor.name).doubles()
            }
            values.withUnsafeBufferPointer { tensor.dtype.append($0, to: &file) }
        }
        return file
    }

    /// The weights that an update in memory stands for; see ``decode(_:as:onto:)-(SafetensorsFile,_,_)``.
    ///
    /// - Throws: `UpdateError`; `SafetensorsError` where bytes are no safetensors file.
    public static func decode(_ update: [UInt8], as encoding: UpdateEncoding, onto base: [UInt8]) throws -> [UInt8] {
        try decode(
            SafetensorsFile(bytes: update, limits: .module), as: encoding,
            onto: SafetensorsFile(bytes: base, limits: .module))
    }

    /// Where a tensor changes, and by how much; what is not sent, or is sent as 0, is left out.
    private static func changes(
        of tensor: TensorDescription, _ update: SafetensorsFile, _ layout: UpdateLayout
    ) throws -> [(Int, Double)] {
        switch layout.parts[ExactText(tensor.name)] {
        case nil: return []
        case .values(let description):
            let values = try update.tensor(description.name).doubles()
            return values.enumerated().filter { $0.element != 0 }.map { ($0, $1) }
        case .quantised(let values, let scales, let run):
            let scales = try update.tensor(scales).floats()
            return try update.tensor(values).bytes().enumerated().filter { $0.element != 0 }.map { position, byte in
                (position, Double(scales[position / run]) * Double(Int8(bitPattern: byte)))
            }
        case .sparse(let gaps, let values, _):
            let values = try update.tensor(values).floats()
            var decoder = GapDecoder(elements: tensor.elementCount ?? 0)
            let places = try update.tensor(gaps).bytes().compactMap { try decoder.take($0) }
            return zip(places, values).filter { $0.1 != 0 }.map { ($0, Double($1)) }
        }
    }
}
