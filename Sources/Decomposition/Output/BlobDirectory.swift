public import ECLMCore
import Foundation

/// A folder with a decomposed model: `manifest.json`, and every blob as `blobs/DIGEST.safetensors` with the digest's 64
/// hexadecimal digits.
public struct BlobDirectory: BlobSink {
    /// The folder's path.
    public let path: String

    /// A folder, created with its parents where it does not exist.
    ///
    /// - Throws: ``DecompositionError`` with `output` when it cannot be created.
    public init(path: String) throws(DecompositionError) {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path + "/blobs", withIntermediateDirectories: true)
        } catch {
            throw DecompositionError(
                .output, "cannot create the folder \(path)/blobs: \(error.explanation)", cause: error)
        }
    }

    /// The path of a blob, whether it exists or not.
    public func blobPath(_ digest: Digest) -> String { "\(path)/blobs/\(digest.hex).safetensors" }

    /// The manifest's path.
    public var manifestPath: String { path + "/manifest.json" }

    /// Writes the blob under its name; it appears whole or not at all.
    public func put(_ bytes: [UInt8], digest: Digest) async throws {
        try Data(bytes).write(to: URL(fileURLWithPath: blobPath(digest)), options: .atomic)
    }

    /// Writes the manifest; equal manifests give equal bytes.
    ///
    /// - Throws: ``DecompositionError`` with `output` when it cannot be written.
    public func put(_ manifest: ModelManifest) throws(DecompositionError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(manifest).write(to: URL(fileURLWithPath: manifestPath), options: .atomic)
        } catch {
            throw DecompositionError(.output, "cannot write \(manifestPath): \(error.explanation)", cause: error)
        }
    }
}
