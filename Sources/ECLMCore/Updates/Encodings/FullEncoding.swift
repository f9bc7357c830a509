/// The trained weights themselves: `NAME` as in the base, tensors of every dtype.
enum FullEncoding: UpdateCoding {
    static let name = "full"
    static let summary = "the trained weights"
    static let isDifference = false

    static func fit(_ tensor: TensorDescription, in file: inout UpdateFitting) throws {
        guard tensor.dtype.isFloatingPoint else {
            let given = try file.take(tensor.name, of: tensor, shape: tensor.shape, [tensor.dtype])
            file.contents[ExactText(given.name)] = .anything
            return
        }
        try file.fitValues(tensor, [tensor.dtype])
    }

    static func add(
        _ difference: Difference, fraction: Double, to builder: inout SafetensorsBuilder
    ) throws -> UpdateResidual? {
        for tensor in difference.trained.tensors { try builder.add(tensor.description, bytes: tensor.bytes()) }
        return nil
    }
}
