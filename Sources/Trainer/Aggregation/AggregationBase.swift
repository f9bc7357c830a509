import ECLMCore
import Registry

/// A version's weights: what updates are folded onto, or what they tell their differences to.
struct AggregationBase: Sendable {
    /// The module's name.
    var module: String
    var kind: ModuleKind
    var file: ModuleFile
    /// What the file holds.
    var tensors: [TensorDescription]
    /// Which version of what, for messages.
    var label: String

    /// Reads the header.
    ///
    /// - Throws: ``RegistryError`` with a ``TrainerError`` as cause where the stored bytes are not the version's.
    func header(in blobs: any BlobReader) async throws -> ([UInt8], SafetensorsHeader) {
        do {
            let (bytes, header) = try await file.header(in: blobs)
            try TensorMatch.check(header.tensors, against: tensors, owner: module)
            return (bytes, header)
        } catch {
            throw unfit(error)
        }
    }

    /// An error of reading the version's own blob: no update is at fault for it.
    func unfit(_ error: any Error) -> RegistryError {
        let error =
            (error as? SafetensorsError).map { RegistryError(.dataLoss, $0.message, cause: $0) }
            ?? RegistryError(wrapping: error)
        guard !(error.cause is TrainerError), [.dataLoss, .notFound, .invalidArgument].contains(error.code) else {
            return error
        }
        let message =
            "the stored bytes of \(label) cannot be used: \(error.message); restore them, or roll the module back"
        return RegistryError(.dataLoss, message, cause: TrainerError(.registryUnfit, message, cause: error))
    }
}

extension ModuleVersionRecord {
    /// The version's weights.
    var aggregationBase: AggregationBase {
        AggregationBase(
            module: module, kind: slot.kind, file: ModuleFile(digest: digest, size: costs.bytes), tensors: tensors,
            label: "version \(version) of \(module) in \(model)")
    }
}
