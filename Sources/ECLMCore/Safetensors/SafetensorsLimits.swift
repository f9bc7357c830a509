/// What a safetensors file may be at most; a file beyond any of these is refused before its contents are read.
public struct SafetensorsLimits: Sendable, Hashable {
    /// The JSON header's length in bytes; the reference implementation's bound is the default.
    public var headerBytes: Int
    /// The number of tensors.
    public var tensors: Int
    /// A tensor name's or metadata key's length in UTF-8 bytes.
    public var nameBytes: Int
    /// The number of a tensor's extents.
    public var rank: Int
    /// The number of entries in `__metadata__`.
    public var metadataEntries: Int
    /// The whole file's length in bytes.
    public var fileBytes: Int

    /// Each at least 0.
    public init(
        headerBytes: Int = 100_000_000, tensors: Int = 100_000, nameBytes: Int = 1024, rank: Int = 16,
        metadataEntries: Int = 1024, fileBytes: Int = 1 << 40
    ) {
        self.headerBytes = headerBytes
        self.tensors = tensors
        self.nameBytes = nameBytes
        self.rank = rank
        self.metadataEntries = metadataEntries
        self.fileBytes = fileBytes
    }

    /// Room for any checkpoint: 100 MB of header, 100,000 tensors, 1 TiB.
    public static let checkpoint = SafetensorsLimits()

    /// Room for one module: 1 MiB of header, 4,096 tensors, 2 GiB. The registry holds submissions to these.
    public static let module = SafetensorsLimits(
        headerBytes: 1 << 20, tensors: 4096, nameBytes: 512, metadataEntries: 64, fileBytes: 1 << 31)
}
