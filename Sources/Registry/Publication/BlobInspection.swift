import Core
import PostgreSQL

/// What the registry learns of a blob by reading it: that it is a safetensors file, and what it holds.
package struct BlobInspection {
    /// The bytes read at once for a header; longer headers cost a second read.
    private static let headerGuess: Int64 = 16_384

    let blobs: any BlobReader

    package init(blobs: any BlobReader) {
        self.blobs = blobs
    }

    /// The tensors of a blob, from its header alone.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` when the blob is no well-formed safetensors file, `notFound`
    ///   when there is no such blob.
    package func tensors(of digest: Digest, size: Int64, owner: String) async throws(RegistryError) -> [TensorDescription] {
        do {
            var prefix = try await blobs.read(digest, range: 0..<min(size, Self.headerGuess))
            let needed = try prefix.withUnsafeBytes { (bytes) throws(SafetensorsError) in
                try SafetensorsHeader.byteCount(prefix: bytes)
            }
            if needed > prefix.count {
                prefix = try await blobs.read(digest, range: 0..<min(size, Int64(needed)))
            }
            return try SafetensorsHeader(prefix: prefix, fileByteCount: Int(size)).tensors
        } catch let error as SafetensorsError {
            throw RegistryError(.invalidArgument, "the weights of \(owner) are refused: \(error.message)", cause: error)
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.internal, "the weights of \(owner) could not be read", cause: error)
        }
    }

    /// Refuses weights that are not finite numbers.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` naming the tensor and the element.
    package func checkFinite(_ digest: Digest, size: Int64, owner: String) async throws(RegistryError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(size))
        for try await chunk in blobs.chunks(of: digest) { bytes += chunk }
        do {
            for tensor in try SafetensorsFile(bytes: bytes).tensors {
                if let element = tensor.firstNonFinite() {
                    throw RegistryError(
                        .invalidArgument,
                        "the weights of \(owner) are refused: \(tensor.description.name) holds NaN or infinity at "
                            + "element \(element)")
                }
            }
        } catch let error as SafetensorsError {
            throw RegistryError(.invalidArgument, "the weights of \(owner) are refused: \(error.message)", cause: error)
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.internal, "the weights of \(owner) could not be read", cause: error)
        }
    }
}
