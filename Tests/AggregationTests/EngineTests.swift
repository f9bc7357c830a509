import ECLMCore
import Testing

@testable import Aggregation

@Suite("The engine")
struct EngineTests {
    private func file(_ dtype: ElementType, _ values: [Float]) throws -> [UInt8] {
        var builder = SafetensorsBuilder(metadata: ["a": "b"])
        try builder.add("w", shape: [values.count], dtype: dtype, floats: values)
        try builder.add("scalar", shape: [], dtype: .f32, floats: [3])
        try builder.add("none", shape: [0, 4], dtype: .f64, floats: [])
        try builder.add(TensorDescription(name: "flags", dtype: .u8, shape: [3]), bytes: [1, 0, 1])
        return try builder.build()
    }

    @Test("takes a file apart alike however it is cut", arguments: [1, 2, 3, 7, 64, 1 << 20])
    func cuts(size: Int) throws {
        let bytes = try file(.f32, (0..<50).map { Float($0) })
        var stream = TensorStream(byteCount: Int64(bytes.count))
        var found: [String: [UInt8]] = [:]
        for start in stride(from: 0, to: bytes.count, by: size) {
            try stream.consume(Array(bytes[start..<min(start + size, bytes.count)])) { header, tensor, first, piece in
                let description = header.entries[tensor].description
                #expect(found[description.name, default: []].count == first * description.dtype.byteCount)
                found[description.name, default: []] += piece
            }
        }
        try stream.finish()
        for tensor in try SafetensorsFile(bytes: bytes).tensors {
            #expect(found[tensor.name, default: []] == tensor.bytes())
        }
    }

    @Test("refuses a file that ends early, or is none")
    func refuses() throws {
        let bytes = try file(.f32, [1, 2, 3])
        #expect(throws: SafetensorsError.self) {
            var stream = TensorStream(byteCount: Int64(bytes.count))
            try stream.consume(Array(bytes.dropLast())) { _, _, _, _ in }
            try stream.finish()
        }
        #expect(throws: SafetensorsError.self) {
            var stream = TensorStream(byteCount: 1000)
            try stream.consume([UInt8](repeating: 0xFF, count: 1000)) { _, _, _, _ in }
        }
        #expect(throws: SafetensorsError.self) {
            var stream = TensorStream(byteCount: 4)
            try stream.consume([1, 2, 3, 4]) { _, _, _, _ in }
            try stream.finish()
        }
    }

    @Test("rounds sums once to nearest even", arguments: [ElementType.f16, .bf16, .f32, .f64])
    func rounding(dtype: ElementType) throws {
        let header = try SafetensorsLayout(tensors: [TensorDescription(name: "w", dtype: dtype, shape: [20_000])])
            .header
        var generator = SplitMix64(seed: 3)
        var sum = MemorySum(header: header, cores: 1)
        var expected = [Double](repeating: -0.0, count: 20_000)
        for weight in [0.3, 0.2, 0.5 - 1e-9] {
            let magnitude = Float.random(in: 1e-6...100, using: &generator)
            let values = (0..<20_000).map { _ in Float.random(in: -magnitude...magnitude, using: &generator) }
            let bytes = dtype.encode(values)
            sum.add(file(bytes, header), weight: weight, header)
            var exact = [Float](repeating: 0, count: values.count)
            bytes.withUnsafeBytes { raw in exact.withUnsafeMutableBufferPointer { dtype.decode(raw, into: $0) } }
            for index in expected.indices { expected[index] += weight * Double(exact[index]) }
        }
        let result = sum.file(file([], header), unlearned: [])[header.dataOffset...]
        let reference = expected.flatMap { value -> [UInt8] in
            switch dtype {
            case .f16: withUnsafeBytes(of: Float16(value)) { Array($0) }
            case .f32: withUnsafeBytes(of: Float(value)) { Array($0) }
            case .f64: withUnsafeBytes(of: value) { Array($0) }
            default: withUnsafeBytes(of: nearestBrain(value)) { Array($0) }
            }
        }
        #expect(Array(result) == reference)
    }

    /// The values of a file's only tensor behind room for its header, which nothing reads.
    private func file(_ values: [UInt8], _ header: SafetensorsHeader) -> [UInt8] {
        [UInt8](repeating: 0, count: header.dataOffset) + values
    }

    /// The bfloat16 nearest to a double, by comparing the two neighbours; the even one of two equally near.
    private func nearestBrain(_ value: Double) -> UInt16 {
        let low = UInt16(truncatingIfNeeded: Float(value, roundedTowardZero: ()).bitPattern >> 16)
        func distance(_ bits: UInt16) -> Double {
            (Double(Float(bitPattern: UInt32(bits) << 16)) - value).magnitude
        }
        let (left, right) = (distance(low), distance(low + 1))
        if left == right { return low & 1 == 0 ? low : low + 1 }
        return left < right ? low : low + 1
    }

    @Test("gives a single contribution back bit by bit, the sign of zero included")
    func identity() throws {
        let values: [Float] = [0, -0.0, 1, -1, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        let header = try SafetensorsLayout(
            tensors: [TensorDescription(name: "w", dtype: .f32, shape: [values.count])]).header
        var sum = MemorySum(header: header, cores: 1)
        let bytes = ElementType.f32.encode(values)
        sum.add(file(bytes, header), weight: 1, header)
        #expect(sum.file(file([], header), unlearned: []) == file(bytes, header))
    }
}

extension Float {
    fileprivate init(_ value: Double, roundedTowardZero: Void) {
        let nearest = Float(value)
        self = Double(nearest).magnitude > value.magnitude ? Float(bitPattern: nearest.bitPattern - 1) : nearest
    }
}
