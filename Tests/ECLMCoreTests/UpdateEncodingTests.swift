import ECLMCore
import Testing
import UpdateReference

@Suite("Updates in every encoding")
struct UpdateEncodingTests {
    /// A module with rows whose magnitudes are far apart, a vector, a scalar, an empty tensor and one of integers.
    static func module(_ dtype: ElementType = .f32, seed: UInt64, spread: Float = 1, around: [UInt8]? = nil) throws
        -> [UInt8]
    {
        var state = seed &* 2 &+ 1
        func value() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max) * spread
        }
        let old = try around.map { try SafetensorsFile(bytes: $0) }
        var builder = SafetensorsBuilder(metadata: around == nil ? ["format": "pt"] : [:])
        for (name, shape) in [("w", [12, 20]), ("b", [12]), ("s", []), ("none", [0, 4])] {
            let before = try old?.tensor(name).floats()
            let count = shape.reduce(1, *)
            let values = (0..<count).map { position in
                let row = Float(shape.count == 2 ? position / 20 + 1 : 1)
                return (before?[position] ?? 0) + value() / (row * row)
            }
            try builder.add(name, shape: shape, dtype: dtype, floats: values)
        }
        try builder.add(
            TensorDescription(name: "steps", dtype: .i64, shape: [1]),
            bytes: withUnsafeBytes(of: Int64(seed)) { Array($0) })
        return try builder.build()
    }

    static func floats(_ bytes: [UInt8]) throws -> [String: [Float]] {
        var result: [String: [Float]] = [:]
        for tensor in try SafetensorsFile(bytes: bytes).tensors where tensor.dtype.isFloatingPoint {
            result[tensor.name] = try tensor.floats()
        }
        return result
    }

    @Test(
        "come back as the weights they were made of, as near as the encoding goes",
        arguments: UpdateEncoding.allCases, [ElementType.f32, .f16, .bf16, .f64])
    func roundTrip(encoding: UpdateEncoding, dtype: ElementType) throws {
        let base = try Self.module(dtype, seed: 1)
        let trained = try Self.module(dtype, seed: 2, spread: 0.1, around: base)
        var residual: UpdateResidual?
        let update = try UpdateEncoder.encode(
            trained: trained, base: base, as: encoding, fraction: 0.25, residual: &residual)
        let decoded = try UpdateDecoder.decode(update, as: encoding, onto: base)
        let (old, new, found) = (try Self.floats(base), try Self.floats(trained), try Self.floats(decoded))
        var exact = 0
        for (name, values) in new {
            for (position, value) in values.enumerated() {
                let change = abs(value - (old[name]?[position] ?? 0))
                let row = name == "w" ? Float(position / 20 + 1) : 1
                let step = 0.1 / (row * row) * 1.02 / 127
                let error = abs((found[name]?[position] ?? .nan) - value)
                let rounding = value.magnitude * (dtype == .f32 || dtype == .f64 ? 1e-6 : 0.008)
                switch encoding {
                case .full: #expect(error == 0)
                case .delta: #expect(error <= rounding)
                case .int8Delta: #expect(error <= step / 2 + rounding + change * 1e-6)
                case .sparseDelta:
                    if error <= rounding { exact += 1 }
                    #expect(error <= change + rounding)
                default: Issue.record("no bound for \(encoding.rawValue)")
                }
            }
        }
        if encoding == .sparseDelta { #expect(exact >= 63) }
        #expect((residual != nil) == (encoding == .int8Delta || encoding == .sparseDelta))
        if encoding != .full {
            // The base's header and its integers.
            #expect(try SafetensorsFile(bytes: decoded).header == SafetensorsFile(bytes: base).header)
            #expect(
                try SafetensorsFile(bytes: decoded)["steps"]?.bytes() == SafetensorsFile(bytes: base)["steps"]?.bytes())
        }
        var again: UpdateResidual?
        #expect(
            try UpdateEncoder.encode(trained: trained, base: base, as: encoding, fraction: 0.25, residual: &again)
                == update)
    }

    @Test("of nothing learned give the base's very bytes", arguments: [UpdateEncoding.delta, .int8Delta, .sparseDelta])
    func nothing(encoding: UpdateEncoding) throws {
        let base = try Self.module(seed: 3)
        var residual: UpdateResidual?
        let update = try UpdateEncoder.encode(trained: base, base: base, as: encoding, residual: &residual)
        #expect(try UpdateDecoder.decode(update, as: encoding, onto: base) == base)
    }

    @Test("are smaller than the weights: a quarter in 8 bits, and 5 bytes for each place of a sparse one")
    func sizes() throws {
        var builder = SafetensorsBuilder()
        try builder.add("w", shape: [256, 512], floats: [Float](repeating: 0, count: 256 * 512))
        let base = try builder.build()
        builder = SafetensorsBuilder()
        try builder.add(
            "w", shape: [256, 512], floats: (0..<(256 * 512)).map { Float(($0 &* 2_654_435_761) % 100_003) })
        let trained = try builder.build()
        var residual: UpdateResidual?
        let int8 = try UpdateEncoder.encode(trained: trained, base: base, as: .int8Delta, residual: &residual)
        #expect(Double(int8.count) < Double(base.count) * 0.26)
        residual = nil
        let sparse = try UpdateEncoder.encode(
            trained: trained, base: base, as: .sparseDelta, fraction: 0.1, residual: &residual)
        #expect(Double(sparse.count) < Double(base.count) * 0.127)
    }

    @Test("lose nothing over time: what was sent and what is left are what was learned", arguments: [0.05, 0.5])
    func feedback(fraction: Double) throws {
        for encoding in [UpdateEncoding.int8Delta, .sparseDelta] {
            let base = try Self.module(seed: 5)
            var residual: UpdateResidual?
            var sent: [String: [Double]] = [:]
            var learned: [String: [Double]] = [:]
            for round in 0..<20 {
                let trained = try Self.module(seed: UInt64(100 + round), spread: 0.1, around: base)
                let update = try UpdateEncoder.encode(
                    trained: trained, base: base, as: encoding, fraction: fraction, residual: &residual)
                let zero = try Self.zero(like: base)
                for (name, values) in try Self.floats(try UpdateDecoder.decode(update, as: encoding, onto: zero)) {
                    let (old, new) = (try Self.floats(base)[name] ?? [], try Self.floats(trained)[name] ?? [])
                    for position in values.indices {
                        let empty = [Double](repeating: 0, count: values.count)
                        sent[name, default: empty][position] += Double(values[position])
                        learned[name, default: empty][position] += Double(new[position]) - Double(old[position])
                    }
                }
                residual = try UpdateResidual(bytes: try #require(residual).bytes())
            }
            let left = try Self.floats(try #require(residual).bytes())
            for (name, values) in learned {
                for (position, value) in values.enumerated() {
                    let total = (sent[name]?[position] ?? 0) + Double(left[name]?[position] ?? 0)
                    #expect(abs(total - value) < 1e-5, "\(encoding) \(name) \(position)")
                }
            }
        }
    }

    static func zero(like base: [UInt8]) throws -> [UInt8] {
        var builder = SafetensorsBuilder()
        for tensor in try SafetensorsFile(bytes: base).tensors {
            try builder.add(tensor.description, bytes: [UInt8](repeating: 0, count: tensor.byteCount))
        }
        return try builder.build()
    }

    @Test("drop a residual of other shapes, and a full one leaves the residual alone")
    func foreignResidual() throws {
        let (base, trained) = (try Self.module(seed: 1), try Self.module(seed: 2))
        var builder = SafetensorsBuilder()
        try builder.add("w", shape: [2], floats: [1, 2])
        let foreign = try UpdateResidual(bytes: builder.build())
        #expect(try !foreign.fits(SafetensorsFile(bytes: base).header.tensors))
        var (one, none): (UpdateResidual?, UpdateResidual?) = (foreign, nil)
        let with = try UpdateEncoder.encode(trained: trained, base: base, as: .int8Delta, residual: &one)
        #expect(try UpdateEncoder.encode(trained: trained, base: base, as: .int8Delta, residual: &none) == with)
        #expect(one == none)
        one = foreign
        #expect(try UpdateEncoder.encode(trained: trained, base: base, as: .full, residual: &one) == trained)
        #expect(one == foreign)
    }

    @Test("keep differences that leave a narrow type's range as its largest value")
    func range() throws {
        func file(_ value: Float) throws -> [UInt8] {
            var builder = SafetensorsBuilder()
            try builder.add("w", shape: [1], dtype: .f16, floats: [value])
            return try builder.build()
        }
        for encoding in [UpdateEncoding.delta, .int8Delta, .sparseDelta] {
            var residual: UpdateResidual?
            let update = try UpdateEncoder.encode(
                trained: file(60_000), base: file(-60_000), as: encoding, residual: &residual)
            #expect(try Self.floats(UpdateDecoder.decode(update, as: encoding, onto: file(-60_000)))["w"] == [60_000])
            #expect(try Self.floats(UpdateDecoder.decode(update, as: encoding, onto: file(0)))["w"] == [65_504])
        }
    }

    @Test("are refused where the trained weights are not the base's tensors or not finite, or the fraction is none")
    func refusals() throws {
        let base = try Self.module(seed: 1)
        var residual: UpdateResidual?
        func code(_ trained: [UInt8], _ fraction: Double = 0.1) -> UpdateError.Code? {
            do {
                _ = try UpdateEncoder.encode(
                    trained: trained, base: base, as: .sparseDelta, fraction: fraction, residual: &residual)
                return nil
            } catch {
                return (error as? UpdateError)?.code
            }
        }
        #expect(code(try Self.module(.f16, seed: 1)) == .mismatch)
        #expect(code(try Self.module(seed: 1, spread: .infinity)) == .notFinite)
        #expect(code(base, 0) == .invalidFraction)
        #expect(code(base, .nan) == .invalidFraction)
        #expect(code(base, 1.5) == .invalidFraction)
        #expect(code(base, 1) == nil)
    }

    private static let tensors = [
        TensorDescription(name: "w", dtype: .f16, shape: [3, 4]), TensorDescription(name: "n", dtype: .u8, shape: [2]),
    ]

    @Test("have exactly the tensors that their encoding has for the base")
    func layouts() throws {
        typealias T = TensorDescription
        func fits(_ encoding: UpdateEncoding, _ tensors: T...) -> Bool {
            (try? UpdateLayout(of: tensors, as: encoding, onto: Self.tensors)) != nil
        }
        let integers = T(name: "n", dtype: .u8, shape: [2])
        #expect(fits(.full, T(name: "w", dtype: .f16, shape: [3, 4]), integers))
        #expect(!fits(.full, T(name: "w", dtype: .f16, shape: [3, 4])))
        #expect(!fits(.full, T(name: "w", dtype: .f32, shape: [3, 4]), integers))
        #expect(fits(.delta, T(name: "w", dtype: .f32, shape: [3, 4])))
        #expect(fits(.delta, T(name: "w", dtype: .f16, shape: [3, 4])))
        #expect(!fits(.delta, T(name: "w", dtype: .f64, shape: [3, 4])))
        #expect(!fits(.delta, T(name: "w", dtype: .f32, shape: [4, 3])))
        #expect(!fits(.delta, T(name: "w", dtype: .f32, shape: [3, 4]), integers))
        #expect(!fits(.delta))
        let codes = T(name: "w", dtype: .i8, shape: [3, 4])
        #expect(fits(.int8Delta, codes, T(name: "w#scale", dtype: .f32, shape: [3])))
        #expect(fits(.int8Delta, codes, T(name: "w#scale", dtype: .f32, shape: [])))
        #expect(!fits(.int8Delta, codes, T(name: "w#scale", dtype: .f32, shape: [4])))
        #expect(!fits(.int8Delta, codes, T(name: "w#scale", dtype: .f16, shape: [3])))
        #expect(!fits(.int8Delta, codes))
        func sparse(_ gaps: Int, _ values: Int) -> Bool {
            fits(
                .sparseDelta, T(name: "w#gaps", dtype: .u8, shape: [gaps]),
                T(name: "w#values", dtype: .f32, shape: [values]))
        }
        #expect(fits(.sparseDelta))
        #expect(sparse(3, 3) && sparse(15, 3) && sparse(12, 12) && sparse(0, 0))
        #expect(!sparse(2, 3) && !sparse(16, 3) && !sparse(13, 13))
        #expect(!fits(.sparseDelta, T(name: "w#gaps", dtype: .u8, shape: [1])))
        #expect(!fits(.sparseDelta, T(name: "w#values", dtype: .f32, shape: [1])))
    }

    @Test("whose names would stand for two tensors are refused instead of mixed up")
    func collision() throws {
        var builder = SafetensorsBuilder()
        try builder.add("w", shape: [2], floats: [1, 2])
        try builder.add("w#scale", shape: [], floats: [1])
        let base = try builder.build()
        var residual: UpdateResidual?
        #expect(throws: UpdateError.self) {
            try UpdateEncoder.encode(trained: base, base: base, as: .int8Delta, residual: &residual)
        }
    }

    @Test(
        "with places that do not ascend within the tensor are refused",
        arguments: [
            ([3, 0x7F], [1, 2]), ([0x80, 0], [1]), ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [1]), ([1, 0x80], [1]),
            ([0x81, 0x80, 1], [1]),
            ([0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [1]), ([12], [1]), ([11, 0], [1, 2]), ([0, 1], [1]),
        ] as [([UInt8], [Float])])
    func places(gaps: [UInt8], values: [Float]) throws {
        var builder = SafetensorsBuilder()
        try builder.add("w", shape: [3, 4], dtype: .f16, floats: [Float](repeating: 1, count: 12))
        let base = try builder.build()
        builder = SafetensorsBuilder()
        try builder.add(TensorDescription(name: "w#gaps", dtype: .u8, shape: [gaps.count]), bytes: gaps)
        try builder.add("w#values", shape: [values.count], floats: values)
        let update = try builder.build()
        let error = #expect(throws: UpdateError.self) {
            try UpdateDecoder.decode(update, as: .sparseDelta, onto: base)
        }
        #expect(error?.code == .invalidPlaces)
    }

    @Test(
        "with scales or values that no finite weights can give are refused",
        arguments: [Float.nan, .infinity, -1, 2000] as [Float])
    func scales(scale: Float) throws {
        var builder = SafetensorsBuilder()
        try builder.add("w", shape: [2], dtype: .f16, floats: [1, 1])
        let base = try builder.build()
        builder = SafetensorsBuilder()
        try builder.add(TensorDescription(name: "w", dtype: .i8, shape: [2]), bytes: [1, 2])
        try builder.add("w#scale", shape: [], floats: [scale])
        let int8 = try builder.build()
        builder = SafetensorsBuilder()
        try builder.add("w", shape: [2], floats: [0, scale * (scale == -1 ? -.infinity : 127)])
        let delta = try builder.build()
        for (update, encoding) in [(int8, UpdateEncoding.int8Delta), (delta, .delta)] {
            let error = #expect(throws: UpdateError.self) { try UpdateDecoder.decode(update, as: encoding, onto: base) }
            #expect(error?.code == .notFinite)
        }
    }
}
