public import ECLMCore

/// Takes the blobs that a decomposition makes, one at a time.
public protocol BlobSink: Sendable {
    /// Keeps a blob.
    ///
    /// Called once for each module, so twice with one digest where two modules are equal.
    /// - Parameters:
    ///   - bytes: A safetensors file.
    ///   - digest: The SHA-256 digest of `bytes`.
    func put(_ bytes: [UInt8], digest: Digest) async throws
}

/// How far a decomposition is, after each module.
public struct DecompositionProgress: Sendable, Hashable {
    /// The modules put into the sink.
    public var modulesDone: Int
    /// The modules in all.
    public var modulesTotal: Int
    /// The bytes put into the sink.
    public var bytes: Int64
    /// The name of the latest module.
    public var module: String
}
