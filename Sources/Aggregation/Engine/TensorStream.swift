import ECLMCore

/// Takes a safetensors file apart as its bytes arrive, in whole elements, holding no more than the header.
struct TensorStream {
    /// The file's length, which the header must agree with.
    let byteCount: Int
    /// The header, once enough bytes have arrived.
    private(set) var header: SafetensorsHeader?

    private var prefix: [UInt8] = []
    private var position = 0
    private var entry = 0
    /// The bytes of an element that the end of a chunk cut.
    private var carry: [UInt8] = []

    init(byteCount: Int64) {
        self.byteCount = Int(clamping: byteCount)
    }

    /// Takes the next bytes of the file.
    ///
    /// - Parameter body: Gets the header, the number of the tensor in it, the number of the first element, and whole
    ///   elements of that tensor, valid only during the call.
    /// - Throws: ``SafetensorsError`` for a header that is not acceptable, and what `body` throws.
    mutating func consume(
        _ chunk: [UInt8], _ body: (SafetensorsHeader, Int, Int, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        if let header {
            try chunk.withUnsafeBytes { try split($0, header, body) }
            return
        }
        prefix += chunk
        guard prefix.count >= 8 else { return }
        let needed = try prefix.withUnsafeBytes { bytes throws(SafetensorsError) in
            try SafetensorsHeader.byteCount(prefix: bytes, limits: .module)
        }
        guard prefix.count >= needed || prefix.count >= byteCount else { return }
        let header = try SafetensorsHeader(prefix: prefix, fileByteCount: byteCount, limits: .module)
        self.header = header
        position = header.dataOffset
        let rest = prefix
        prefix = []
        try rest.withUnsafeBytes { bytes in
            try split(UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...]), header, body)
        }
    }

    /// Makes sure that the whole file has arrived.
    ///
    /// - Throws: ``SafetensorsError`` where it ended early.
    func finish() throws(SafetensorsError) {
        guard header != nil, position == byteCount, carry.isEmpty else {
            throw SafetensorsError(
                .truncatedData, "the file ended after \(position) of \(byteCount) bytes; store it again")
        }
    }

    private mutating func split(
        _ bytes: UnsafeRawBufferPointer, _ header: SafetensorsHeader,
        _ body: (SafetensorsHeader, Int, Int, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var rest = bytes
        while !rest.isEmpty {
            while entry < header.entries.count, header.entries[entry].byteRange.upperBound <= position { entry += 1 }
            guard entry < header.entries.count else {
                throw SafetensorsError(.trailingData, "bytes follow the last tensor at byte \(position)")
            }
            let (range, size) = (header.entries[entry].byteRange, header.entries[entry].description.dtype.byteCount)
            let taken: Int
            if carry.isEmpty {
                taken = min(rest.count, range.upperBound - position)
                let whole = taken - taken % size
                if whole > 0 {
                    try body(
                        header, entry, (position - range.lowerBound) / size,
                        UnsafeRawBufferPointer(rebasing: rest[..<whole]))
                }
                carry += rest[whole..<taken]
            } else {
                taken = min(rest.count, size - carry.count)
                carry += rest[..<taken]
                if carry.count == size {
                    let element = (position + taken - range.lowerBound) / size - 1
                    try carry.withUnsafeBytes { try body(header, entry, element, $0) }
                    carry.removeAll(keepingCapacity: true)
                }
            }
            position += taken
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
    }
}
