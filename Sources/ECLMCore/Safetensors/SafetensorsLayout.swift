/// Where tensors will lie in a safetensors file to be written, and the bytes of its header.
///
/// Order and header are those of the reference writer (safetensors/src/tensor.rs, `prepare`): tensors by falling
/// alignment of dtype and then by name, the header padded with spaces to a multiple of 8. Equal tensors and metadata
/// therefore give equal bytes, and so an equal ``Digest``, whatever order they were named in.
public struct SafetensorsLayout: Sendable, Hashable {
    /// Where each tensor goes, in the order in which their bytes follow the header.
    public let header: SafetensorsHeader
    /// The file's first bytes: length, JSON and padding.
    public let headerBytes: [UInt8]

    static let metadataKey = "__metadata__"

    /// Lays out a file.
    ///
    /// - Parameters:
    ///   - tensors: What the file will hold, in any order.
    ///   - metadata: Strings for `__metadata__`, written in the order of their keys; left out when empty.
    ///   - limits: What the file may be at most.
    /// - Throws: ``SafetensorsError`` for duplicate or unusable names, impossible shapes and exceeded limits.
    public init(
        tensors: [TensorDescription], metadata: [ExactText: String] = [:], limits: SafetensorsLimits = .checkpoint
    ) throws(SafetensorsError) {
        guard tensors.count <= limits.tensors, metadata.count <= limits.metadataEntries else {
            throw SafetensorsError(
                .limitExceeded,
                "\(tensors.count) tensors and \(metadata.count) metadata entries are too many: "
                    + "the limits are \(limits.tensors) and \(limits.metadataEntries)")
        }
        let sorted = tensors.sorted { left, right in
            if left.dtype != right.dtype { return left.dtype.alignmentRank > right.dtype.alignmentRank }
            return ExactText(left.name) < ExactText(right.name)
        }
        var positions = [ExactText: Int](minimumCapacity: tensors.count)
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(sorted.count)
        var end = 0
        for (position, tensor) in sorted.enumerated() {
            try Self.check(name: tensor.name, limits: limits)
            guard positions.updateValue(position, forKey: ExactText(tensor.name)) == nil else {
                throw SafetensorsError(
                    .duplicateName, "tensor \(tensor.name.debugDescription) appears twice", tensor: tensor.name)
            }
            guard tensor.shape.count <= limits.rank else {
                throw SafetensorsError(
                    .limitExceeded,
                    "tensor \(tensor.name.debugDescription) has \(tensor.shape.count) extents, "
                        + "the limit is \(limits.rank)", tensor: tensor.name)
            }
            let (next, overflow) = end.addingReportingOverflow(try Self.byteCount(of: tensor))
            guard !overflow, next <= limits.fileBytes else {
                throw SafetensorsError(
                    .limitExceeded, "the file would be longer than \(limits.fileBytes) bytes, the limit",
                    tensor: tensor.name)
            }
            ranges.append(end..<next)
            end = next
        }
        headerBytes = Self.header(sorted, ranges, metadata)
        let start = headerBytes.count
        guard start - 8 <= limits.headerBytes, start + end <= limits.fileBytes else {
            throw SafetensorsError(
                .limitExceeded,
                "a header of \(start) bytes makes the file too long: the limits are "
                    + "\(limits.headerBytes) for the header and \(limits.fileBytes) for the file")
        }
        header = SafetensorsHeader(
            entries: zip(sorted, ranges).map { tensor, range in
                .init(description: tensor, byteRange: (start + range.lowerBound)..<(start + range.upperBound))
            },
            metadata: metadata, dataOffset: start, positions: positions)
    }

    /// The length of the whole file.
    public var byteCount: Int { header.byteCount }

    static func check(name: String, limits: SafetensorsLimits) throws(SafetensorsError) {
        guard name.utf8.count <= limits.nameBytes else {
            throw SafetensorsError(
                .limitExceeded, "a tensor's name has \(name.utf8.count) bytes, the limit is \(limits.nameBytes)")
        }
        // Names go into SQL text, logs and terminals, where control characters do harm.
        guard !name.isEmpty, name != metadataKey, !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw SafetensorsError(
                .invalidName,
                "\(name.debugDescription) is no usable tensor name: it is empty, reserved or holds "
                    + "control characters", tensor: name)
        }
    }

    static func byteCount(of tensor: TensorDescription) throws(SafetensorsError) -> Int {
        guard let byteCount = tensor.byteCount else {
            throw SafetensorsError(
                .invalidShape,
                "tensor \(tensor.name.debugDescription) has shape \(tensor.shape): an extent is negative or the "
                    + "size overflows", tensor: tensor.name)
        }
        return byteCount
    }

    private static func header(
        _ tensors: [TensorDescription], _ ranges: [Range<Int>], _ metadata: [ExactText: String]
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 8)
        bytes.reserveCapacity(8 + tensors.count * 96)
        bytes.append(UInt8(ascii: "{"))
        if !metadata.isEmpty {
            JSONString.append(metadataKey, to: &bytes)
            bytes += Array(":{".utf8)
            let keys = metadata.keys.sorted()
            for (position, key) in keys.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONString.append(key.string, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                JSONString.append(metadata[key] ?? "", to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        for (tensor, range) in zip(tensors, ranges) {
            if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
            JSONString.append(tensor.name, to: &bytes)
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            bytes += Array(
                """
                :{"dtype":"\(tensor.dtype.rawValue)","shape":[\(shape)],\
                "data_offsets":[\(range.lowerBound),\(range.upperBound)]}
                """.utf8)
        }
        bytes.append(UInt8(ascii: "}"))
        while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
        withUnsafeBytes(of: UInt64(bytes.count - 8).littleEndian) { bytes.replaceSubrange(0..<8, with: $0) }
        return bytes
    }
}

extension ElementType {
    /// The position in the reference's `Dtype`, which is ordered by rising alignment.
    fileprivate var alignmentRank: Int {
        switch self {
        case .bool: 0
        case .u8: 1
        case .i8: 2
        case .i16: 3
        case .u16: 4
        case .f16: 5
        case .bf16: 6
        case .i32: 7
        case .u32: 8
        case .f32: 9
        case .f64: 10
        case .i64: 11
        case .u64: 12
        }
    }
}
