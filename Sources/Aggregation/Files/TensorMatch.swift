package import ECLMCore

/// Whether an update's weights can stand for a module version's: the same tensors, names and shapes.
package enum TensorMatch {
    /// Refuses an update whose tensors are not those that its encoding has for the version.
    ///
    /// - Throws: ``UpdateError`` with `mismatch` naming the first tensor that does not fit.
    package static func check(
        _ tensors: [TensorDescription], as encoding: UpdateEncoding, against expected: [TensorDescription],
        owner: String
    ) throws(UpdateError) {
        guard encoding.isDifference else { return try check(tensors, against: expected, owner: owner) }
        do {
            _ = try UpdateLayout(of: tensors, as: encoding, onto: expected)
        } catch {
            throw UpdateError(
                .mismatch, "the \(encoding.rawValue) update of \(owner) does not fit the version: \(error.explanation)",
                cause: error)
        }
    }

    /// Refuses weights that cannot be averaged with the version's.
    ///
    /// - Throws: ``UpdateError`` with `mismatch` naming the first tensor that differs.
    package static func check(
        _ tensors: [TensorDescription], against expected: [TensorDescription], owner: String
    ) throws(UpdateError) {
        let given = Dictionary(tensors.map { (ExactText($0.name), $0) }, uniquingKeysWith: { first, _ in first })
        for tensor in expected {
            guard let other = given[ExactText(tensor.name)] else {
                throw UpdateError(.mismatch, "the weights of \(owner) lack tensor \(tensor.name)")
            }
            guard other.shape == tensor.shape else {
                throw UpdateError(
                    .mismatch,
                    "tensor \(tensor.name) of \(owner) has shape \(other.shape), the version has \(tensor.shape)")
            }
            guard other.dtype == tensor.dtype else {
                throw UpdateError(
                    .mismatch,
                    "tensor \(tensor.name) of \(owner) has dtype \(other.dtype.rawValue), the version has "
                        + tensor.dtype.rawValue)
            }
        }
        let names = Set(expected.map { ExactText($0.name) })
        if let extra = tensors.first(where: { !names.contains(ExactText($0.name)) }) {
            throw UpdateError(.mismatch, "the weights of \(owner) have tensor \(extra.name), which the version has not")
        }
    }
}
