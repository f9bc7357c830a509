import ECLMCore
import Testing

@Suite("Tensor values")
struct TensorValueTests {
    @Test("halves convert exactly, all 65,536 of them")
    func halves() {
        let bytes = (0...UInt16.max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let floats = Self.decode(.f16, bytes)
        for (pattern, float) in floats.enumerated() {
            let half = Float16(bitPattern: UInt16(pattern))
            guard half.isNaN ? float.isNaN : float.bitPattern == Float(half).bitPattern else {
                Issue.record("half \(pattern) became \(float)")
                return
            }
        }
    }

    @Test("bfloat16 keeps the upper half, rounds to nearest even and keeps NaN")
    func brainFloats() {
        #expect(Self.decode(.bf16, [0x80, 0x3F, 0x80, 0xFF]) == [1, -.infinity])
        let values: [Float] = [
            1, Float(bitPattern: 0x3F80_8000), Float(bitPattern: 0x3F81_8000), Float(bitPattern: 0x3F80_8001),
            .greatestFiniteMagnitude, Float(bitPattern: 0x7F80_0001),
        ]
        #expect(
            ElementType.bf16.encode(values) == [
                0x80, 0x3F, 0x80, 0x3F, 0x82, 0x3F, 0x81, 0x3F, 0x80, 0x7F, 0xC0, 0x7F,
            ])
    }

    @Test("what is encoded decodes again", arguments: [ElementType.f64, .f32, .f16, .bf16])
    func roundTrip(dtype: ElementType) {
        let values: [Float] = [0, -0.0, 1, -1.5, 0.25, 384, .infinity]
        #expect(Self.decode(dtype, dtype.encode(values)).map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test(
        "the first NaN or infinity is found wherever it stands and however the bytes are aligned",
        arguments: [ElementType.f64, .f32, .f16, .bf16])
    func nonFinite(dtype: ElementType) {
        let extremes: [Float] = [65504, -65504, 0x1p-24, 0, -0.0]
        let values = (0..<10_000).map { extremes[$0 % extremes.count] }
        for bad in [Float.infinity, -.infinity, .nan] {
            for position in [0, 1, 4095, 4096, 8191, 9999] {
                for shift in [0, 1, 3] {
                    var spoiled = values
                    spoiled[position] = bad
                    if position < 9999 { spoiled[9999] = bad }
                    #expect(Self.firstNonFinite(dtype, dtype.encode(spoiled), shift) == position)
                }
            }
        }
        for shift in [0, 1, 3] { #expect(Self.firstNonFinite(dtype, dtype.encode(values), shift) == nil) }
        #expect(Self.firstNonFinite(dtype, [], 0) == nil)
    }

    @Test("integers are always finite")
    func integers() {
        #expect(Self.firstNonFinite(.i32, [UInt8](repeating: 255, count: 64), 0) == nil)
    }

    @Test("values of any alignment decode alike", arguments: [ElementType.f64, .f32, .f16, .bf16])
    func misaligned(dtype: ElementType) {
        let values = (0..<5000).map { Float($0 % 251) - 100 }
        let bytes = dtype.encode(values)
        #expect(Self.decode(dtype, bytes, shift: 1) == Self.decode(dtype, bytes))
        #expect(Self.decode(dtype, bytes) == values)
    }

    static func decode(_ dtype: ElementType, _ bytes: [UInt8], shift: Int = 0) -> [Float] {
        var floats = [Float](repeating: 0, count: bytes.count / dtype.byteCount)
        ([UInt8](repeating: 0, count: shift) + bytes).withUnsafeBytes { buffer in
            floats.withUnsafeMutableBufferPointer {
                dtype.decode(UnsafeRawBufferPointer(rebasing: buffer[shift...]), into: $0)
            }
        }
        return floats
    }

    static func firstNonFinite(_ dtype: ElementType, _ bytes: [UInt8], _ shift: Int) -> Int? {
        ([UInt8](repeating: 0, count: shift) + bytes).withUnsafeBytes { buffer in
            dtype.firstNonFinite(in: UnsafeRawBufferPointer(rebasing: buffer[shift...]))
        }
    }
}
