import ECLMCore

/// A module's trained weights, checked against the version they were trained from, or what is sent of them.
struct TrainedWeights: Sendable {
    let module: SubModelManifest.Module
    let file: SafetensorsFile
    let digest: Digest
    /// The digest of the weights themselves, where the file is what is sent of them.
    let trained: Digest

    /// Reads and checks a module's weights.
    ///
    /// - Throws: ``EdgeError`` with `invalidWeights` when names, dtypes or shapes are not the base's, or a value is NaN
    ///   or infinite: the trainer would quarantine the update.
    init(path: String, module: SubModelManifest.Module) throws(EdgeError) {
        let file: SafetensorsFile
        do throws(SafetensorsError) {
            file = try SafetensorsFile(path: path, limits: .module)
        } catch {
            throw EdgeError(
                .invalidWeights, "\(path) is no safetensors file of a module: \(error.message)", cause: error)
        }
        let wanted = Dictionary(
            module.tensors.map { (ExactText($0.name), $0) }, uniquingKeysWith: { first, _ in first })
        for tensor in file.tensors {
            guard let base = wanted[ExactText(tensor.name)] else {
                throw Self.unfit(path, "tensor \(tensor.name.debugDescription) is not in the version it comes from")
            }
            guard base == tensor.description else {
                throw Self.unfit(
                    path,
                    "tensor \(tensor.name.debugDescription) is \(tensor.dtype.rawValue) \(tensor.shape), the version it comes "
                        + "from has \(base.dtype.rawValue) \(base.shape)")
            }
            if let position = tensor.firstNonFinite() {
                throw Self.unfit(
                    path, "value \(position) of tensor \(tensor.name.debugDescription) is not finite; train again")
            }
        }
        if let missing = wanted.keys.filter({ file[$0.string] == nil }).min() {
            throw Self.unfit(path, "tensor \(missing.string.debugDescription) is missing")
        }
        self.module = module
        self.file = file
        digest = file.withUnsafeBytes { Digest.of($0) }
        trained = digest
    }

    /// Weights that were encoded for sending.
    init(encodedAt path: String, from weights: TrainedWeights) throws(EdgeError) {
        do throws(SafetensorsError) {
            file = try SafetensorsFile(path: path, limits: .module)
        } catch {
            throw EdgeError(
                .inputOutput, "the encoded update at \(path) cannot be read: \(error.message)", cause: error)
        }
        module = weights.module
        trained = weights.trained
        digest = file.withUnsafeBytes { Digest.of($0) }
    }

    var bytes: Int64 { Int64(file.header.byteCount) }

    private static func unfit(_ path: String, _ reason: String) -> EdgeError {
        EdgeError(.invalidWeights, "\(path) cannot be submitted: \(reason)")
    }
}
