/// The tensors of a file, each taken at most once.
struct UpdateFitting {
    let given: [ExactText: TensorDescription]
    private let order: [TensorDescription]
    var parts: [ExactText: UpdateLayout.Part] = [:]
    var contents: [ExactText: UpdateLayout.Content] = [:]

    init(_ tensors: [TensorDescription]) {
        order = tensors
        given = Dictionary(tensors.map { (ExactText($0.name), $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func take(
        _ name: String, of tensor: TensorDescription, shape: [Int]?, _ dtypes: [ElementType]
    ) throws -> TensorDescription {
        guard let found = given[ExactText(name)] else {
            throw UpdateError(.mismatch, "tensor \(name) is missing", tensor: tensor.name)
        }
        guard dtypes.contains(found.dtype) else {
            throw UpdateError(
                .mismatch,
                "tensor \(name) has dtype \(found.dtype.rawValue), not "
                    + dtypes.map(\.rawValue).joined(separator: " or "),
                tensor: tensor.name)
        }
        if let shape, found.shape != shape {
            throw UpdateError(
                .mismatch, "tensor \(name) has shape \(found.shape), not \(shape)", tensor: tensor.name)
        }
        guard contents[ExactText(name)] == nil else {
            throw UpdateError(
                .mismatch, "tensor \(name) would stand for two tensors of the version; submit full weights",
                tensor: tensor.name)
        }
        return found
    }

    mutating func fitValues(_ tensor: TensorDescription, _ dtypes: [ElementType]) throws {
        let found = try take(tensor.name, of: tensor, shape: tensor.shape, dtypes)
        parts[ExactText(tensor.name)] = .values(found)
        contents[ExactText(found.name)] = .values(largest: 2 * tensor.dtype.largestFinite)
    }

    func finish() throws {
        if let extra = order.first(where: { contents[ExactText($0.name)] == nil }) {
            throw UpdateError(
                .mismatch, "tensor \(extra.name) is none that the version has in this encoding", tensor: extra.name)
        }
    }
}
