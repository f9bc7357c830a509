import ECLMCore
import TestSupport
import Testing

@testable import Registry

@Suite("Looking for NaN and infinity piece by piece")
struct FiniteScanTests {
    /// A file with tensors of every width, empty ones among them, and where each tensor begins.
    private func file() throws -> (bytes: [UInt8], header: SafetensorsHeader) {
        var builder = SafetensorsBuilder(metadata: ["note": "padding"])
        try builder.add("wide", shape: [5], dtype: .f64, floats: [1, 2, 3, 4, 5])
        try builder.add("empty", shape: [0, 4], dtype: .f32, floats: [])
        try builder.add("plain", shape: [3, 3], dtype: .f32, floats: Array(repeating: 1, count: 9))
        try builder.add("half", shape: [7], dtype: .f16, floats: Array(repeating: 1, count: 7))
        try builder.add("brain", shape: [6], dtype: .bf16, floats: Array(repeating: 1, count: 6))
        // All bits of an exponent set, which means nothing in an integer.
        try builder.add(
            TensorDescription(name: "numbers", dtype: .i64, shape: [2]), bytes: Array(repeating: 0xFF, count: 16))
        try builder.add(TensorDescription(name: "last", dtype: .u8, shape: [3]), bytes: [0x7F, 0x80, 0xFF])
        let bytes = try builder.build()
        return (bytes, try SafetensorsHeader(prefix: bytes, fileByteCount: bytes.count))
    }

    private func scan(
        _ bytes: [UInt8], _ header: SafetensorsHeader, pieces size: Int
    ) -> (tensor: String, element: Int)? {
        var scan = FiniteScan(header.entries)
        for start in stride(from: 0, to: bytes.count, by: size) {
            if let found = scan.append(Array(bytes[start..<min(start + size, bytes.count)])) { return found }
        }
        return nil
    }

    @Test("finds nothing where everything is finite, however the file is cut")
    func finite() throws {
        let (bytes, header) = try file()
        for size in 1...bytes.count { #expect(scan(bytes, header, pieces: size) == nil, "pieces of \(size)") }
    }

    @Test("finds each element at its place, however the file is cut")
    func places() throws {
        let (bytes, header) = try file()
        for entry in header.entries where entry.description.dtype.isFloatingPoint {
            let size = entry.description.dtype.byteCount
            for element in 0..<(entry.byteRange.count / size) {
                var bad = bytes
                let position = entry.byteRange.lowerBound + element * size
                for byte in position..<position + size { bad[byte] = 0xFF }
                for pieces in [1, 2, 3, 5, 7, 8, 13, 64, bytes.count] {
                    let found = scan(bad, header, pieces: pieces)
                    #expect(found?.tensor == entry.description.name, "pieces of \(pieces)")
                    #expect(found?.element == element, "pieces of \(pieces)")
                }
            }
        }
    }
}
