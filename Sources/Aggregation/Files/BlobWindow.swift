import ECLMCore

/// Reads a blob by ranges that move on, holding a stretch of it: many small reads become few.
struct BlobWindow: Sendable {
    private let blobs: any BlobSource
    private let file: ModuleFile
    /// The least that is read at once, where the blob is that long.
    private let stretch: Int
    private var start = 0
    private var bytes: [UInt8] = []

    init(_ file: ModuleFile, in blobs: any BlobSource, stretch: Int) {
        self.blobs = blobs
        self.file = file
        self.stretch = stretch
    }

    /// Some bytes of the blob.
    mutating func read(_ range: Range<Int>) async throws -> ArraySlice<UInt8> {
        guard !range.isEmpty else { return [] }
        if range.lowerBound < start || range.upperBound > start + bytes.count {
            let end = min(max(range.upperBound, range.lowerBound + stretch), Int(file.size))
            bytes = try await blobs.bytes(of: file.digest, in: Int64(range.lowerBound)..<Int64(end))
            start = range.lowerBound
        }
        return bytes[(range.lowerBound - start)..<(range.upperBound - start)]
    }
}
