import ECLMCore

/// Hands out a checkpoint's tensors to blocks, each at most once, and checks what the block expects of them.
struct TensorClaims {
    let checkpoint: SafetensorsFile
    /// What each tensor is used for that must not go anywhere else, such as `layers[0].up.weight`.
    private var uses: [ExactText: String] = [:]
    /// Tensors that a block describes but no module holds: they go to a shared part, by the rules.
    private var outerUses: Set<ExactText> = []

    init(checkpoint: SafetensorsFile) { self.checkpoint = checkpoint }

    /// Takes a tensor for the modules of a block, or for the place behind their sum.
    ///
    /// - Parameters:
    ///   - name: The tensor's name in the checkpoint.
    ///   - use: What it is for, in the words of the specification.
    ///   - shape: The extents, `nil` for any extent of at least 1.
    ///   - isOuter: Whether the tensor stays outside the modules.
    mutating func take(
        _ name: String, for use: String, shape: [Int?], isOuter: Bool = false
    ) throws(DecompositionError) -> TensorView {
        guard let tensor = checkpoint[name] else {
            throw DecompositionError(
                .missingTensor, "\(use): the checkpoint has no tensor \(name.debugDescription)")
        }
        if let other = uses.updateValue(use, forKey: ExactText(name)) {
            throw DecompositionError(
                .tensorUsedTwice, "tensor \(name.debugDescription) is used twice: as \(other) and as \(use)")
        }
        if isOuter { outerUses.insert(ExactText(name)) }
        let wanted = shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
        let fits =
            tensor.shape.count == shape.count
            && zip(tensor.shape, shape).allSatisfy { extent, wanted in
                wanted.map { $0 == extent } ?? (extent >= 1)
            }
        guard fits else {
            throw DecompositionError(
                .wrongShape, "\(use): tensor \(name.debugDescription) has shape \(tensor.shape), not [\(wanted)]")
        }
        guard tensor.dtype.isFloatingPoint else {
            throw DecompositionError(
                .wrongShape,
                "\(use): tensor \(name.debugDescription) is \(tensor.dtype.rawValue); F64, F32, F16 or BF16 is needed")
        }
        return tensor
    }

    /// The tensors that no module of a block holds, in the order of the file.
    var remaining: [TensorView] {
        checkpoint.tensors.filter { uses[ExactText($0.name)] == nil || outerUses.contains(ExactText($0.name)) }
    }
}
