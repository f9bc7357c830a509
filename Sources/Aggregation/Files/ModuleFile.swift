package import ECLMCore

/// A stored module: an update's weights, or the version they are folded onto.
package struct ModuleFile: Sendable {
    package var digest: Digest
    /// The blob's length in bytes.
    package var size: Int64

    package init(digest: Digest, size: Int64) {
        self.digest = digest
        self.size = size
    }

    /// Reads the header alone.
    ///
    /// - Returns: The bytes before the tensors, and what they say.
    func header(
        in blobs: any BlobSource, limits: SafetensorsLimits = .module
    ) async throws -> ([UInt8], SafetensorsHeader) {
        var prefix = try await blobs.bytes(of: digest, in: 0..<min(size, 16_384))
        let needed = try prefix.withUnsafeBytes { bytes throws(SafetensorsError) in
            try SafetensorsHeader.byteCount(prefix: bytes, limits: limits)
        }
        if needed > prefix.count {
            prefix = try await blobs.bytes(of: digest, in: 0..<min(size, Int64(needed)))
        }
        let header = try SafetensorsHeader(prefix: prefix, fileByteCount: Int(size), limits: limits)
        return (Array(prefix[..<header.dataOffset]), header)
    }
}
