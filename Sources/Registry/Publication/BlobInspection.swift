package import ECLMCore
import PostgreSQL

/// What the registry learns of a blob by reading it: that it is a safetensors file, and what it holds.
package struct BlobInspection {
    /// The bytes read at once for a header; longer headers cost a second read.
    private static let headerGuess: Int64 = 16_384
    /// What one module's weights may be at most.
    private static let limits = SafetensorsLimits.module

    let blobs: any BlobReader
    /// Whole blobs that are in memory, verified.
    let known: [Digest: [UInt8]]

    package init(blobs: any BlobReader, known: [Digest: [UInt8]] = [:]) {
        self.blobs = blobs
        self.known = known
    }

    /// A blob's header: its tensors and where they lie.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` when the blob is no well-formed safetensors file, `notFound`
    ///   when there is no such blob.
    package func header(of digest: Digest, size: Int64, owner: String) async throws(RegistryError) -> SafetensorsHeader
    {
        var prefix =
            if let bytes = known[digest] { bytes } else {
                try await blobs.read(digest, range: 0..<min(size, Self.headerGuess))
            }
        do {
            let needed = try prefix.withUnsafeBytes { (bytes) throws(SafetensorsError) in
                try SafetensorsHeader.byteCount(prefix: bytes, limits: Self.limits)
            }
            if needed > prefix.count, known[digest] == nil {
                prefix = try await blobs.read(digest, range: 0..<min(size, Int64(needed)))
            }
            return try SafetensorsHeader(prefix: prefix, fileByteCount: Int(size), limits: Self.limits)
        } catch let error as SafetensorsError {
            throw RegistryError(.invalidArgument, "the weights of \(owner) are refused: \(error.message)", cause: error)
        } catch {
            throw RegistryError(wrapping: error)
        }
    }

    /// Refuses weights that are not finite numbers. Reads the blob once, in memory that does not grow with it.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` naming the tensor and the element.
    package func checkFinite(_ digest: Digest, header: SafetensorsHeader, owner: String) async throws(RegistryError) {
        var scan = FiniteScan(header.entries)
        func check(_ chunk: [UInt8]) throws(RegistryError) {
            guard let (tensor, element) = scan.append(chunk) else { return }
            throw RegistryError(
                .invalidArgument,
                "the weights of \(owner) are refused: \(tensor) holds NaN or infinity at element \(element)")
        }
        if let bytes = known[digest] { return try check(bytes) }
        for try await chunk in blobs.chunks(of: digest) { try check(chunk) }
    }
}
