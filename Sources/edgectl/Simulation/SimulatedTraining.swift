import CommandSupport
import ECLMCore
import EdgeClient

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Adds noise to the weights of a sub-model, tensor by tensor. A stand-in for training where only the way of an
/// update through the system matters.
struct SimulatedTraining {
    let seed: UInt64
    let scale: Double
    /// The layers whose modules are trained; `nil` for every module, shared ones included.
    let layers: Set<Int>?

    /// Writes a changed copy of every trained module to `out`, and the manifest beside them.
    ///
    /// - Returns: The number of modules written.
    func run(manifest: SubModelManifest, directory: String, out: String) throws -> Int {
        guard mkdir(out, 0o755) == 0 || errno == EEXIST else {
            throw CommandFailure(.failure, "cannot create \(out): \(String(cString: strerror(errno)))")
        }
        let trained = manifest.modules.filter { module in
            layers.map { layers in module.slot.layer.map(layers.contains) ?? false } ?? true
        }
        do {
            for module in trained {
                let source = try SafetensorsFile(path: "\(directory)/\(module.file)", limits: .module)
                let layout = try SafetensorsLayout(
                    tensors: source.header.tensors, metadata: source.header.metadata, limits: .module)
                let writer = try SafetensorsWriter(layout: layout, path: "\(out)/\(module.file)")
                for entry in layout.header.entries {
                    let tensor = try source.tensor(entry.description.name)
                    try writer.append(try changed(tensor, of: module.module), to: tensor.name)
                }
                _ = try writer.finish()
            }
        } catch {
            throw CommandFailure(.failure, error.message)
        }
        try manifest.write(to: out)
        return trained.count
    }

    private func changed(_ tensor: TensorView, of module: String) throws(SafetensorsError) -> [UInt8] {
        guard tensor.dtype.isFloatingPoint else { return tensor.bytes() }
        // Seeded by name, so that a module gets the same noise in whatever sub-model it is.
        var noise = GaussianNoise(seed: Digest.of(Array("\(seed)/\(module)/\(tensor.name)".utf8)))
        var values = try tensor.floats()
        for position in values.indices { values[position] += Float(scale * noise.next()) }
        return tensor.dtype.encode(values)
    }
}

/// Standard normal numbers by Marsaglia's polar method.
struct GaussianNoise {
    private var generator: SplitMix64
    private var spare: Double?

    init(seed: Digest) {
        generator = SplitMix64(seed: seed.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    mutating func next() -> Double {
        if let spare {
            self.spare = nil
            return spare
        }
        while true {
            let (x, y) = (uniform(), uniform())
            let square = x * x + y * y
            guard square > 0, square < 1 else { continue }
            let factor = (-2 * log(square) / square).squareRoot()
            spare = y * factor
            return x * factor
        }
    }

    /// A number from -1 to 1.
    private mutating func uniform() -> Double { 2 * generator.uniform() - 1 }
}
