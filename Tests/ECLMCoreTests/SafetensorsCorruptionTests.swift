import ECLMCore
import Testing

@Suite("A corrupted safetensors file is refused with the reason")
struct SafetensorsCorruptionTests {
    /// A file of the given JSON, padded as it is, with `data` bytes behind it.
    static func file(_ json: String, data: Int = 0) -> [UInt8] {
        let bytes = Array(json.utf8)
        return withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes
            + [UInt8](repeating: 0, count: data)
    }

    static func tensor(_ dtype: String, _ shape: String, _ offsets: String) -> String {
        #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    struct Corruption: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let code: SafetensorsError.Code
        let message: String
        var limits = SafetensorsLimits.checkpoint

        init(
            _ name: String, _ bytes: [UInt8], _ code: SafetensorsError.Code, _ message: String,
            limits: SafetensorsLimits = .checkpoint
        ) {
            (testDescription, self.bytes, self.code, self.message, self.limits) = (name, bytes, code, message, limits)
        }
    }

    static let good = tensor("F32", "[2]", "[0,8]")

    static let framing: [Corruption] = [
        .init(
            "no bytes", [], .truncatedHeader,
            "0 bytes are too few: a safetensors file begins with 8 bytes of length"),
        .init(
            "seven bytes", [2, 0, 0, 0, 0, 0, 0], .truncatedHeader,
            "7 bytes are too few: a safetensors file begins with 8 bytes of length"),
        .init(
            "a length beyond 100 MB", [1, 0xE1, 0xF5, 5, 0, 0, 0, 0], .limitExceeded,
            "the header has 100000001 bytes, the limit is 100000000; is this a safetensors file?"),
        .init(
            "a length beyond 63 bits", [UInt8](repeating: 255, count: 64), .limitExceeded,
            "the header has 18446744073709551615 bytes, the limit is 100000000; is this a safetensors file?"),
        .init(
            "a header that the file cuts off", [9, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8), .truncatedHeader,
            "the header ends at byte 17, the file already at 10; fetch it again"),
        .init(
            "an empty header", file(""), .invalidHeader,
            "the header does not begin with '{'; is this a safetensors file?"),
        .init(
            "white space before the object", file(" {}"), .invalidHeader,
            "the header does not begin with '{'; is this a safetensors file?"),
        .init(
            "an array for a header", file("[]"), .invalidHeader,
            "the header does not begin with '{'; is this a safetensors file?"),
        .init(
            "a newline for padding", file("{}\n"), .invalidHeader,
            "the header is no JSON of the format: only spaces may follow the object, at byte 2"),
        .init(
            "a second object", file("{}{}"), .invalidHeader,
            "the header is no JSON of the format: only spaces may follow the object, at byte 2"),
        .init(
            "an object that does not end", file(#"{"a":\#(good)"#, data: 8), .invalidHeader,
            "the header is no JSON of the format: expected '}', found the end, at byte 53"),
        .init(
            "a trailing comma", file(#"{"a":\#(good),}"#, data: 8), .invalidHeader,
            "the header is no JSON of the format: expected '\"', found '}', at byte 54"),
        .init(
            "a name that is not UTF-8",
            [7, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], .invalidHeader,
            "the header is no JSON of the format: a string is not UTF-8, at byte 2"),
        .init(
            "half of a surrogate pair", file(#"{"\uD800":1}"#), .invalidHeader,
            "the header is no JSON of the format: half of a surrogate pair, at byte 8"),
        .init(
            "bytes that the last tensor lacks", file(#"{"a":\#(good)}"#, data: 7), .truncatedData,
            "the tensors end at byte 70, the file already at 69; fetch it again"),
        .init(
            "bytes behind the last tensor", file(#"{"a":\#(good)}"#, data: 9), .trailingData,
            "1 bytes follow the last tensor, which ends at byte 70"),
        .init(
            "bytes without tensors", file("{}", data: 3), .trailingData,
            "3 bytes follow the last tensor, which ends at byte 10"),
    ]

    static let tensors: [Corruption] = [
        .init(
            "two tensors of one name", file(#"{"a":\#(good),"a":\#(tensor("F32", "[1]", "[8,12]"))}"#, data: 12),
            .duplicateName, #"tensor "a" appears twice"#),
        .init(
            "one name in two spellings", file(#"{"a":\#(good),"\u0061":\#(tensor("F32", "[1]", "[8,12]"))}"#, data: 12),
            .duplicateName, #"tensor "a" appears twice"#),
        .init(
            "an empty name", file(#"{"":\#(good)}"#, data: 8), .invalidName,
            #""" is no usable tensor name: it is empty, reserved or holds control characters"#),
        .init(
            "a control character in a name", file(#"{"a\u0000":\#(good)}"#, data: 8), .invalidName,
            #""a\0" is no usable tensor name: it is empty, reserved or holds control characters"#),
        .init(
            "a tensor that is a number", file(#"{"a":1}"#), .invalidHeader, #"tensor "a" is no object"#),
        .init(
            "an unknown dtype", file(#"{"a":\#(tensor("F8_E4M3", "[2]", "[0,2]"))}"#, data: 2), .unknownDtype,
            #"tensor "a" has dtype "F8_E4M3"; known are F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL"#
        ),
        .init(
            "a dtype in lower case", file(#"{"a":\#(tensor("f32", "[2]", "[0,8]"))}"#, data: 8), .unknownDtype,
            #"tensor "a" has dtype "f32"; known are F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL"#),
        .init(
            "no dtype", file(#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, data: 8), .invalidHeader,
            #"tensor "a" has no dtype"#),
        .init(
            "no shape", file(#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, data: 8), .invalidHeader,
            #"tensor "a" has no shape"#),
        .init(
            "no offsets", file(#"{"a":{"dtype":"F32","shape":[2]}}"#, data: 8), .invalidHeader,
            #"tensor "a" has no data_offsets"#),
        .init(
            "a key twice", file(#"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: 8),
            .invalidHeader, #"tensor "a": dtype appears twice, at byte 33"#),
        .init(
            "an unknown key", file(#"{"a":{"dtype":"F32","stride":[2]}}"#), .invalidHeader,
            #"tensor "a": unknown key "stride", at byte 29"#),
        .init(
            "a negative extent", file(#"{"a":\#(tensor("F32", "[-2,-1]", "[0,8]"))}"#, data: 8), .invalidShape,
            #"tensor "a" has shape [-2, -1]: an extent is negative or the size overflows"#),
        .init(
            "a shape that overflows",
            file(#"{"a":\#(tensor("F32", "[4294967296,4294967296]", "[0,0]"))}"#), .invalidShape,
            #"tensor "a" has shape [4294967296, 4294967296]: an extent is negative or the size overflows"#),
        .init(
            "a size that overflows with the dtype",
            file(#"{"a":\#(tensor("F64", "[2305843009213693952]", "[0,0]"))}"#), .invalidShape,
            #"tensor "a" has shape [2305843009213693952]: an extent is negative or the size overflows"#),
        .init(
            "an extent beyond 64 bits", file(#"{"a":\#(tensor("F32", "[18446744073709551616]", "[0,0]"))}"#),
            .invalidHeader, #"tensor "a": 18446744073709551616 is no integer of 64 bits, at byte 29"#),
        .init(
            "a fractional extent", file(#"{"a":\#(tensor("F32", "[2.0]", "[0,8]"))}"#, data: 8), .invalidHeader,
            #"tensor "a": 2.0 is no integer of 64 bits, at byte 29"#),
        .init(
            "an extent that starts with 0", file(#"{"a":\#(tensor("F32", "[02]", "[0,8]"))}"#, data: 8), .invalidHeader,
            #"tensor "a": a number starts with 0, at byte 31"#),
        .init(
            "one offset", file(#"{"a":\#(tensor("F32", "[2]", "[8]"))}"#, data: 8), .invalidOffsets,
            #"tensor "a" has data_offsets [8]; two ascending numbers are needed"#),
        .init(
            "three offsets", file(#"{"a":\#(tensor("F32", "[2]", "[0,4,8]"))}"#, data: 8), .invalidHeader,
            #"tensor "a": expected at most 2 numbers, at byte 52"#),
        .init(
            "reversed offsets", file(#"{"a":\#(tensor("F32", "[2]", "[8,0]"))}"#, data: 8), .invalidOffsets,
            #"tensor "a" has data_offsets [8, 0]; two ascending numbers are needed"#),
        .init(
            "a negative offset", file(#"{"a":\#(tensor("F32", "[2]", "[-8,0]"))}"#, data: 8), .invalidOffsets,
            #"tensor "a" has data_offsets [-8, 0]; two ascending numbers are needed"#),
        .init(
            "an offset near the largest number",
            file(#"{"a":\#(tensor("U8", "[7]", "[9223372036854775800,9223372036854775807]"))}"#), .invalidOffsets,
            #"tensor "a" has data_offsets [9223372036854775800, 9223372036854775807]; two ascending numbers are needed"#
        ),
        .init(
            "fewer bytes than the shape takes", file(#"{"a":\#(tensor("F32", "[2]", "[0,4]"))}"#, data: 4),
            .invalidOffsets, #"tensor "a" has 4 bytes, F32 of shape [2] takes 8"#),
        .init(
            "an overlap", file(#"{"a":\#(good),"b":\#(tensor("F32", "[1]", "[4,8]"))}"#, data: 8), .invalidOffsets,
            #"tensor "b" overlaps the tensor before it: it begins at 4, 8 is next"#),
        .init(
            "a gap", file(#"{"a":\#(good),"b":\#(tensor("F32", "[1]", "[12,16]"))}"#, data: 16), .invalidOffsets,
            #"tensor "b" leaves a gap before it: it begins at 12, 8 is next"#),
        .init(
            "a gap before the first tensor", file(#"{"a":\#(tensor("F32", "[1]", "[4,8]"))}"#, data: 8),
            .invalidOffsets, #"tensor "a" leaves a gap before it: it begins at 4, 0 is next"#),
    ]

    static let metadata: [Corruption] = [
        .init(
            "metadata that is an array", file(#"{"__metadata__":[]}"#), .invalidMetadata, "__metadata__ is no object"),
        .init(
            "metadata with a number", file(#"{"__metadata__":{"epoch":3}}"#), .invalidMetadata,
            #"__metadata__ holds "epoch", which is no string"#),
        .init(
            "metadata twice", file(#"{"__metadata__":{},"__metadata__":{}}"#), .duplicateName,
            "__metadata__ appears twice"),
        .init(
            "a metadata key twice", file(#"{"__metadata__":{"a":"1","a":"2"}}"#), .duplicateName,
            #"__metadata__ holds "a" twice"#),
    ]

    static let limits: [Corruption] = [
        .init(
            "too many tensors", file(#"{"a":\#(good),"b":\#(tensor("F32", "[1]", "[8,12]"))}"#, data: 12),
            .limitExceeded, "the file has more than 1 tensors, the limit", limits: .init(tensors: 1)),
        .init(
            "too long a name", file(#"{"abcde":\#(good)}"#, data: 8), .limitExceeded,
            "a tensor's name has 5 bytes, the limit is 4", limits: .init(nameBytes: 4)),
        .init(
            "too many extents", file(#"{"a":\#(tensor("F32", "[1,1,2]", "[0,8]"))}"#, data: 8), .invalidHeader,
            #"tensor "a": expected at most 2 numbers, at byte 33"#, limits: .init(rank: 2)),
        .init(
            "too much metadata", file(#"{"__metadata__":{"a":"","b":""}}"#), .limitExceeded,
            "__metadata__ has more than 1 entries, the limit", limits: .init(metadataEntries: 1)),
        .init(
            "too long a metadata key", file(#"{"__metadata__":{"abcde":""}}"#), .limitExceeded,
            "a key of __metadata__ has 5 bytes, the limit is 4", limits: .init(nameBytes: 4)),
        .init(
            "too long a header", file(#"{"a":\#(good)}"#, data: 8), .limitExceeded,
            "the header has 54 bytes, the limit is 53; is this a safetensors file?", limits: .init(headerBytes: 53)),
        .init(
            "too long a file", file(#"{"a":\#(good)}"#, data: 8), .limitExceeded,
            "the file has 70 bytes, the limit is 69", limits: .init(fileBytes: 69)),
    ]

    @Test(arguments: framing + tensors + metadata + limits)
    func refused(_ corruption: Corruption) throws {
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsFile(bytes: corruption.bytes, limits: corruption.limits)
        }
        #expect(error?.code == corruption.code)
        #expect(error?.message == corruption.message)
    }

    @Test("A file cut off anywhere, or with any one bit of its header flipped, never does more than throw")
    func everyPrefixAndBitFlip() throws {
        var builder = SafetensorsBuilder(metadata: ["a": "é\n"])
        try builder.add("weight", shape: [2, 3], floats: [1, 2, 3, 4, 5, 6])
        try builder.add("bias", shape: [2], dtype: .f16, floats: [1, 2])
        let bytes = try builder.build()
        for length in 0..<bytes.count {
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: Array(bytes[..<length])) }
        }
        let header = try SafetensorsHeader(prefix: bytes, fileByteCount: bytes.count)
        for bit in 0..<header.dataOffset * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            if let file = try? SafetensorsFile(bytes: flipped) {
                #expect(file.header.byteCount == bytes.count)
            }
        }
    }
}
