/// A statement ready to be sent: its text, and each parameter's type and binary form.
struct Statement: Sendable {
    struct Key: Hashable, Sendable {
        let text: String
        let types: [UInt32]
    }

    let key: Key
    let values: [ArraySlice<UInt8>?]

    var text: String { key.text }
    var types: [UInt32] { key.types }
    /// Bytes of all parameters.
    var size: Int { values.reduce(0) { $0 + ($1?.count ?? 0) } }
}

extension SQL {
    /// The most parameters a Bind message can count.
    static let maximumParameters = 65_535

    func render() -> (text: String, types: [UInt32]) {
        var text = ""
        var types: [UInt32] = []
        for part in parts {
            switch part {
            case .text(let literal): text += literal
            case .parameter(let type, _):
                types.append(type.rawValue)
                text += "$\(types.count)"
            }
        }
        return (text, types)
    }

    /// Encodes the parameters.
    func statement() throws -> Statement {
        let (text, types) = render()
        try checkStatementText(text)
        guard types.count <= Self.maximumParameters else {
            throw PostgresError(
                code: .usage,
                message: "a statement takes at most \(Self.maximumParameters) parameters, not \(types.count); "
                    + "pass arrays, or use COPY")
        }
        var values: [ArraySlice<UInt8>?] = []
        values.reserveCapacity(types.count)
        for case .parameter(_, let value) in parts { values.append(try value?.encoded()) }
        return Statement(key: .init(text: text, types: types), values: values)
    }
}

/// libpq takes C strings: a NUL would silently end the statement.
func checkStatementText(_ text: String) throws {
    guard !text.utf8.contains(0) else {
        throw PostgresError(code: .usage, message: "the text of a statement contains a NUL byte")
    }
}

/// Pointers to parameter values in the form libpq wants them.
///
/// Small values are gathered in one buffer; large ones are pointed to where they are, so that a blob is copied only once,
/// into libpq's own output buffer.
struct ParameterPointers {
    private static let largeValue = 16 * 1024
    private static let maximumLargeValues = 64

    static func with<R>(
        _ values: [ArraySlice<UInt8>?],
        _ body: (_ values: [UnsafePointer<CChar>?], _ lengths: [CInt], _ formats: [CInt]) throws -> R
    ) throws -> R {
        let lengths = try values.map { value -> CInt in
            guard let length = CInt(exactly: value?.count ?? 0), length <= 0x3FFF_FFFF else {
                throw PostgresError(code: .usage, message: "a parameter of 1 GiB or more does not fit PostgreSQL")
            }
            return length
        }
        var large: [Int] = []
        var packed: [UInt8] = []
        var offsets = [Int?](repeating: nil, count: values.count)
        for (index, value) in values.enumerated() {
            guard let value else { continue }
            if value.count >= largeValue && large.count < maximumLargeValues {
                large.append(index)
            } else {
                offsets[index] = packed.count
                packed.append(contentsOf: value)
            }
        }
        packed.append(0)  // an empty value needs an address, too: a null pointer means NULL
        return try packed.withUnsafeBytes { buffer in
            // packed is never empty, so it has an address.
            let base = buffer.baseAddress!.assumingMemoryBound(to: CChar.self)
            var pointers = offsets.map { $0.map { UnsafePointer(base + $0) } }
            func point(_ position: Int) throws -> R {
                guard position < large.count else {
                    return try body(pointers, lengths, [CInt](repeating: 1, count: values.count))
                }
                let index = large[position]
                // Large values are neither nil nor empty, as they were chosen for their count.
                return try values[index]!.withUnsafeBytes { bytes in
                    pointers[index] = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
                    return try point(position + 1)
                }
            }
            return try point(0)
        }
    }
}
