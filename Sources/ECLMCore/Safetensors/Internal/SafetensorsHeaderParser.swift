/// Reads the JSON of one header and checks it; used once.
struct SafetensorsHeaderParser {
    let limits: SafetensorsLimits
    let dataOffset: Int
    private var metadata: [ExactText: String]?
    private var names: Set<ExactText> = []
    private var entries: [SafetensorsHeader.Entry] = []

    init(limits: SafetensorsLimits, dataOffset: Int) {
        self.limits = limits
        self.dataOffset = dataOffset
    }

    mutating func parse(_ json: UnsafeBufferPointer<UInt8>) throws(SafetensorsError) -> SafetensorsHeader {
        guard json.first == UInt8(ascii: "{") else {
            throw SafetensorsError(.invalidHeader, "the header does not begin with '{'; is this a safetensors file?")
        }
        var scanner = JSONScanner(json)
        try scanner.object(
            { (scanner, name) throws(SafetensorsError) in
                if name == SafetensorsLayout.metadataKey {
                    try readMetadata(&scanner)
                } else {
                    try readTensor(name, &scanner)
                }
            }, failure: Self.invalid)
        guard scanner.rest.allSatisfy({ $0 == UInt8(ascii: " ") }) else {
            throw Self.invalid(scanner.error("only spaces may follow the object"))
        }
        return try assemble()
    }

    private mutating func readMetadata(_ scanner: inout JSONScanner) throws(SafetensorsError) {
        guard metadata == nil else {
            throw SafetensorsError(.duplicateName, "__metadata__ appears twice")
        }
        var strings: [ExactText: String] = [:]
        guard scanner.peek() == UInt8(ascii: "{") else {
            throw SafetensorsError(.invalidMetadata, "__metadata__ is no object")
        }
        try scanner.object(
            { (scanner, key) throws(SafetensorsError) in
                guard strings.count < limits.metadataEntries else {
                    throw SafetensorsError(
                        .limitExceeded, "__metadata__ has more than \(limits.metadataEntries) entries, the limit")
                }
                guard key.utf8.count <= limits.nameBytes else {
                    throw SafetensorsError(
                        .limitExceeded,
                        "a key of __metadata__ has \(key.utf8.count) bytes, the limit is \(limits.nameBytes)")
                }
                guard scanner.peek() == UInt8(ascii: "\"") else {
                    throw SafetensorsError(
                        .invalidMetadata, "__metadata__ holds \(key.debugDescription), which is no string")
                }
                let value: String
                do throws(JSONScanError) { value = try scanner.string() } catch { throw Self.invalid(error) }
                guard strings.updateValue(value, forKey: ExactText(key)) == nil else {
                    throw SafetensorsError(.duplicateName, "__metadata__ holds \(key.debugDescription) twice")
                }
            }, failure: Self.invalid)
        metadata = strings
    }

    private mutating func readTensor(_ name: String, _ scanner: inout JSONScanner) throws(SafetensorsError) {
        try SafetensorsLayout.check(name: name, limits: limits)
        guard entries.count < limits.tensors else {
            throw SafetensorsError(.limitExceeded, "the file has more than \(limits.tensors) tensors, the limit")
        }
        guard names.insert(ExactText(name)).inserted else {
            throw SafetensorsError(.duplicateName, "tensor \(name.debugDescription) appears twice", tensor: name)
        }
        guard scanner.peek() == UInt8(ascii: "{") else {
            throw SafetensorsError(.invalidHeader, "tensor \(name.debugDescription) is no object", tensor: name)
        }
        var dtypeName: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object(
            { (scanner, key) throws(SafetensorsError) in
                let isRepeated: Bool
                do throws(JSONScanError) {
                    switch key {
                    case "dtype":
                        isRepeated = dtypeName != nil
                        dtypeName = try scanner.string()
                    case "shape":
                        isRepeated = shape != nil
                        shape = try scanner.integers(limit: limits.rank)
                    case "data_offsets":
                        isRepeated = offsets != nil
                        offsets = try scanner.integers(limit: 2)
                    default:
                        throw scanner.error("unknown key \(key.debugDescription)")
                    }
                    if isRepeated { throw scanner.error("\(key) appears twice") }
                } catch {
                    throw SafetensorsError(
                        .invalidHeader, "tensor \(name.debugDescription): \(error)", tensor: name, cause: error)
                }
            }, failure: Self.invalid)
        guard let dtypeName, let shape, let offsets else {
            let missing = dtypeName == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
            throw SafetensorsError(
                .invalidHeader, "tensor \(name.debugDescription) has no \(missing)", tensor: name)
        }
        entries.append(try entry(name, dtypeName, shape, offsets))
    }

    private func entry(
        _ name: String, _ dtypeName: String, _ shape: [Int], _ offsets: [Int]
    ) throws(SafetensorsError) -> SafetensorsHeader.Entry {
        guard let dtype = ElementType(rawValue: dtypeName) else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw SafetensorsError(
                .unknownDtype,
                "tensor \(name.debugDescription) has dtype \(dtypeName.prefix(40).debugDescription); known are \(known)",
                tensor: name)
        }
        let description = TensorDescription(name: name, dtype: dtype, shape: shape)
        let byteCount = try SafetensorsLayout.byteCount(of: description)
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1],
            offsets[1] <= Int.max - dataOffset
        else {
            throw SafetensorsError(
                .invalidOffsets,
                "tensor \(name.debugDescription) has data_offsets \(offsets); two ascending numbers are needed",
                tensor: name)
        }
        guard offsets[1] - offsets[0] == byteCount else {
            throw SafetensorsError(
                .invalidOffsets,
                "tensor \(name.debugDescription) has \(offsets[1] - offsets[0]) bytes, "
                    + "\(dtypeName) of shape \(shape) takes \(byteCount)", tensor: name)
        }
        return .init(
            description: description, byteRange: (dataOffset + offsets[0])..<(dataOffset + offsets[1]))
    }

    private mutating func assemble() throws(SafetensorsError) -> SafetensorsHeader {
        // An empty tensor lies before the one that begins at the same byte, and two of them in the order of names.
        entries.sort {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound, ExactText($0.description.name))
                < ($1.byteRange.lowerBound, $1.byteRange.upperBound, ExactText($1.description.name))
        }
        var end = dataOffset
        var positions = [ExactText: Int](minimumCapacity: entries.count)
        for (position, entry) in entries.enumerated() {
            let name = entry.description.name
            if entry.byteRange.lowerBound != end {
                let fault =
                    entry.byteRange.lowerBound < end ? "overlaps the tensor before it" : "leaves a gap before it"
                throw SafetensorsError(
                    .invalidOffsets,
                    "tensor \(name.debugDescription) \(fault): it begins at \(entry.byteRange.lowerBound - dataOffset), "
                        + "\(end - dataOffset) is next", tensor: name)
            }
            end = entry.byteRange.upperBound
            positions[ExactText(name)] = position
        }
        if end > limits.fileBytes {
            throw SafetensorsError(.limitExceeded, "the tensors end at byte \(end), the limit is \(limits.fileBytes)")
        }
        return SafetensorsHeader(
            entries: entries, metadata: metadata ?? [:], dataOffset: dataOffset, positions: positions)
    }

    private static func invalid(_ error: JSONScanError) -> SafetensorsError {
        SafetensorsError(.invalidHeader, "the header is no JSON of the format: \(error)", cause: error)
    }
}
