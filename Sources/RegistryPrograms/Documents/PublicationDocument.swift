/// What a publication did, as `--output json` prints it.
public struct PublicationDocument: Encodable {
    /// The release that holds the published modules.
    public var release: ReleaseDocument
    /// Module versions written.
    public var newVersions: Int
    /// Modules whose content the release before already had.
    public var keptVersions: Int
    /// Blobs that were new.
    public var blobsStored: Int
    public var bytesStored: Int64
    /// What a verified import found of each layer.
    public var verification: [VerificationDocument]?

    public init(
        release: ReleaseDocument, newVersions: Int, keptVersions: Int, blobsStored: Int, bytesStored: Int64,
        verification: [VerificationDocument]? = nil
    ) {
        self.release = release
        self.newVersions = newVersions
        self.keptVersions = keptVersions
        self.blobsStored = blobsStored
        self.bytesStored = bytesStored
        self.verification = verification
    }
}

/// How well a layer's modules sum to the dense block.
public struct VerificationDocument: Encodable, Sendable {
    /// The layer's name.
    public var layer: String
    public var modules: Int
    /// The largest difference between an output of the block and of the sum.
    public var maximumDifference: Float
    /// The largest output.
    public var maximumOutput: Float

    public init(layer: String, modules: Int, maximumDifference: Float, maximumOutput: Float) {
        self.layer = layer
        self.modules = modules
        self.maximumDifference = maximumDifference
        self.maximumOutput = maximumOutput
    }
}
