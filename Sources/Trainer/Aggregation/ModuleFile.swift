import Core
import Registry

/// A stored module: an update's weights, or the version they are folded onto.
struct ModuleFile: Sendable {
    var digest: Digest
    /// The blob's length in bytes.
    var size: Int64

    /// Reads the header alone.
    ///
    /// - Returns: The bytes before the tensors, and what they say.
    func header(in blobs: BlobStore) async throws -> ([UInt8], SafetensorsHeader) {
        var prefix = try await blobs.read(digest, range: 0..<min(size, 16_384))
        let needed = try prefix.withUnsafeBytes { bytes throws(SafetensorsError) in
            try SafetensorsHeader.byteCount(prefix: bytes, limits: .module)
        }
        if needed > prefix.count {
            prefix = try await blobs.read(digest, range: 0..<min(size, Int64(needed)))
        }
        let header = try SafetensorsHeader(prefix: prefix, fileByteCount: Int(size), limits: .module)
        return (Array(prefix[..<header.dataOffset]), header)
    }
}

extension ModuleVersionRecord {
    /// The version's weights.
    var file: ModuleFile { ModuleFile(digest: digest, size: costs.bytes) }

    /// An error of reading the version's own blob: no update is at fault for it.
    func unfit(_ error: any Error) -> RegistryError {
        let error =
            (error as? SafetensorsError).map { RegistryError(.dataLoss, $0.message, cause: $0) }
            ?? RegistryError(wrapping: error)
        guard [.dataLoss, .notFound, .invalidArgument].contains(error.code) else { return error }
        let message =
            "the stored bytes of version \(version) of \(module) in \(model) cannot be used: "
            + "\(error.message); restore them, or roll the module back"
        return RegistryError(
            .dataLoss, message, cause: TrainerError(.registryUnfit, message, cause: error))
    }
}
