/// The differences to the base in floating point: `NAME` of the base's shape, F32 or of the base's dtype.
enum DeltaEncoding: UpdateCoding {
    static let name = "delta"
    static let summary = "the differences to the base version in floating point"

    static func fit(_ tensor: TensorDescription, in file: inout UpdateFitting) throws {
        try file.fitValues(tensor, [.f32, tensor.dtype])
    }

    static func add(
        _ difference: Difference, fraction: Double, to builder: inout SafetensorsBuilder
    ) throws -> UpdateResidual? {
        for tensor in difference.tensors {
            let dtype: ElementType = tensor.dtype == .f64 ? .f64 : .f32
            var bytes: [UInt8] = []
            difference.values(of: tensor).withUnsafeBufferPointer { dtype.append($0, to: &bytes) }
            try builder.add(TensorDescription(name: tensor.name, dtype: dtype, shape: tensor.shape), bytes: bytes)
        }
        return nil
    }
}
