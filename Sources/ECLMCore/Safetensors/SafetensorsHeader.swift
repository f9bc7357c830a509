/// The header of a safetensors file, checked: where each tensor lies and what it is.
///
/// Format: huggingface/safetensors, README "Format", and the checks of safetensors/src/tensor.rs, with these on top:
/// duplicate names, unknown keys, white space other than spaces behind the JSON, and anything beyond
/// ``SafetensorsLimits`` are refused.
public struct SafetensorsHeader: Sendable, Hashable {
    /// A tensor and its place.
    public struct Entry: Sendable, Hashable {
        /// Name, dtype and shape.
        public var description: TensorDescription
        /// The bytes of the values, counted from the file's first byte.
        public var byteRange: Range<Int>
    }

    /// The tensors in the order of their bytes; together they cover the file behind the header without gap or overlap.
    public let entries: [Entry]
    /// The strings under `__metadata__`; empty when there are none.
    public let metadata: [ExactText: String]
    /// Where the first tensor begins: 8 plus the length of the JSON.
    public let dataOffset: Int

    private let positions: [ExactText: Int]

    init(entries: [Entry], metadata: [ExactText: String], dataOffset: Int, positions: [ExactText: Int]) {
        self.entries = entries
        self.metadata = metadata
        self.dataOffset = dataOffset
        self.positions = positions
    }

    /// Reads the header at the start of a file.
    ///
    /// - Parameters:
    ///   - prefix: The file's first bytes, at least ``byteCount(prefix:limits:)`` of them; more do no harm.
    ///   - fileByteCount: The file's length; the tensors must cover it exactly. Without it, only the header is checked.
    ///   - limits: What the file may be at most.
    /// - Throws: ``SafetensorsError`` that names the first fault.
    public init(
        prefix: UnsafeRawBufferPointer, fileByteCount: Int?, limits: SafetensorsLimits = .checkpoint
    ) throws(SafetensorsError) {
        if let fileByteCount, fileByteCount > limits.fileBytes {
            throw SafetensorsError(
                .limitExceeded, "the file has \(fileByteCount) bytes, the limit is \(limits.fileBytes)")
        }
        let dataOffset = try Self.byteCount(prefix: prefix, limits: limits)
        if let fileByteCount, dataOffset > fileByteCount {
            throw SafetensorsError(
                .truncatedHeader,
                "the header ends at byte \(dataOffset), the file already at \(fileByteCount); fetch it again")
        }
        guard prefix.count >= dataOffset else {
            throw SafetensorsError(
                .truncatedHeader, "the header ends at byte \(dataOffset), only \(prefix.count) bytes were given")
        }
        self = try prefix.withMemoryRebound(to: UInt8.self) { (bytes) throws(SafetensorsError) in
            var parser = SafetensorsHeaderParser(limits: limits, dataOffset: dataOffset)
            return try parser.parse(UnsafeBufferPointer(rebasing: bytes[8..<dataOffset]))
        }
        if let fileByteCount { try checkCoverage(of: fileByteCount) }
    }

    /// Reads the header at the start of a file; see ``init(prefix:fileByteCount:limits:)-(UnsafeRawBufferPointer,_,_)``.
    public init(
        prefix: [UInt8], fileByteCount: Int?, limits: SafetensorsLimits = .checkpoint
    ) throws(SafetensorsError) {
        self = try prefix.withUnsafeBufferPointer { (buffer) throws(SafetensorsError) in
            try SafetensorsHeader(prefix: UnsafeRawBufferPointer(buffer), fileByteCount: fileByteCount, limits: limits)
        }
    }

    /// How many bytes of the file hold the header, its 8 bytes of length included: what to read before parsing.
    ///
    /// - Parameters:
    ///   - prefix: At least the file's first 8 bytes.
    ///   - limits: What the header may be at most.
    /// - Throws: ``SafetensorsError`` when there are fewer than 8 bytes, or the header is longer than allowed.
    public static func byteCount(
        prefix: UnsafeRawBufferPointer, limits: SafetensorsLimits = .checkpoint
    ) throws(SafetensorsError) -> Int {
        guard prefix.count >= 8 else {
            throw SafetensorsError(
                .truncatedHeader, "\(prefix.count) bytes are too few: a safetensors file begins with 8 bytes of length")
        }
        let length = UInt64(littleEndian: prefix.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(limits.headerBytes) else {
            throw SafetensorsError(
                .limitExceeded,
                "the header has \(length) bytes, the limit is \(limits.headerBytes); is this a safetensors file?")
        }
        return 8 + Int(length)
    }

    /// The length of the whole file: header and tensors.
    public var byteCount: Int { entries.last?.byteRange.upperBound ?? dataOffset }

    /// Name, dtype and shape of every tensor, in the order of the file.
    public var tensors: [TensorDescription] { entries.map(\.description) }

    /// The number of elements in all tensors.
    public var elementCount: Int { entries.reduce(0) { $0 + ($1.description.elementCount ?? 0) } }

    /// The tensor of a name, byte for byte; `nil` when the file holds none.
    public subscript(name: String) -> Entry? { positions[ExactText(name)].map { entries[$0] } }

    private func checkCoverage(of fileByteCount: Int) throws(SafetensorsError) {
        if byteCount > fileByteCount {
            throw SafetensorsError(
                .truncatedData,
                "the tensors end at byte \(byteCount), the file already at \(fileByteCount); fetch it again",
                tensor: entries.first { $0.byteRange.upperBound > fileByteCount }?.description.name)
        }
        if byteCount < fileByteCount {
            throw SafetensorsError(
                .trailingData,
                "\(fileByteCount - byteCount) bytes follow the last tensor, which ends at byte \(byteCount)")
        }
    }
}
