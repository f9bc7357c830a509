/// The figures of the blob store that are part of what is stored, and so never change.
public enum BlobLayout {
    /// Bytes in every chunk of a blob but the last, which has the rest: 1 MiB. The schema refuses larger ones.
    public static let chunkSize = 1 << 20
}

/// What a blob store allows.
public struct BlobLimits: Sendable, Hashable {
    /// The largest blob, in bytes.
    public var maximumSize: Int64 = 2 << 30
    /// The most bytes one part of an upload may have, a multiple of ``BlobLayout/chunkSize``.
    public var partMaximum: Int64 = 8 << 20
    /// The most bytes one read may ask for.
    public var maximumRead: Int64 = 64 << 20
    /// Uploads that one uploader may have under way.
    public var maximumUploads: Int = 256
    /// The most digests one stat may ask for.
    public var maximumDigests: Int = 65_536

    /// The default limits.
    public init() {}
}
