import Core
import Registry

/// Makes the aggregate of one module: reads each contribution's blob once, chunk by chunk.
struct ModuleAggregation {
    /// One contribution's weights.
    struct Source {
        var digest: Digest
        var size: Int64
        var weight: Double
    }

    let registry: Registry

    /// The aggregate as a safetensors file: the base version's header byte for byte, so that equal weights are equal
    /// bytes and metadata stays, and behind it the weighted means. Tensors that are no floating-point numbers are
    /// structure, not learned, and keep the base's values.
    ///
    /// - Throws: ``RegistryError``; with a ``TrainerError`` as cause where the base version's own blob is unfit.
    func aggregate(_ sources: [Source], onto base: ModuleVersionRecord) async throws -> [UInt8] {
        let (headerBytes, header) = try await self.header(of: base)
        var accumulator = ModuleAccumulator(header: header)
        for source in sources where source.weight > 0 {
            var stream = TensorStream(byteCount: source.size)
            for try await chunk in registry.blobs.chunks(of: source.digest) {
                try stream.consume(chunk) { header, tensor, first, bytes in
                    accumulator.add(
                        bytes, of: header.entries[tensor].description, from: first, weight: source.weight)
                }
            }
            try stream.finish()
        }
        var file = headerBytes
        file.reserveCapacity(header.byteCount)
        for (number, entry) in header.entries.enumerated() where !accumulator.append(tensor: number, to: &file) {
            try await appendBase(entry.byteRange, of: base, to: &file)
        }
        return file
    }

    private func header(of base: ModuleVersionRecord) async throws -> ([UInt8], SafetensorsHeader) {
        do {
            let size = base.costs.bytes
            var prefix = try await registry.blobs.read(base.digest, range: 0..<min(size, 16_384))
            let needed = try prefix.withUnsafeBytes { bytes throws(SafetensorsError) in
                try SafetensorsHeader.byteCount(prefix: bytes, limits: .module)
            }
            if needed > prefix.count {
                prefix = try await registry.blobs.read(base.digest, range: 0..<min(size, Int64(needed)))
            }
            let header = try SafetensorsHeader(prefix: prefix, fileByteCount: Int(size), limits: .module)
            try TensorMatch.check(header.tensors, against: base.tensors, owner: base.module)
            return (Array(prefix[..<header.dataOffset]), header)
        } catch {
            throw unfit(base, error)
        }
    }

    private func appendBase(_ range: Range<Int>, of base: ModuleVersionRecord, to file: inout [UInt8]) async throws {
        var position = Int64(range.lowerBound)
        do {
            while position < Int64(range.upperBound) {
                let end = min(position + Int64(BlobLayout.chunkSize), Int64(range.upperBound))
                file += try await registry.blobs.read(base.digest, range: position..<end)
                position = end
            }
        } catch {
            throw unfit(base, error)
        }
    }

    private func unfit(_ base: ModuleVersionRecord, _ error: any Error) -> RegistryError {
        let error =
            (error as? SafetensorsError).map { RegistryError(.dataLoss, $0.message, cause: $0) }
            ?? RegistryError(wrapping: error)
        guard [.dataLoss, .notFound, .invalidArgument].contains(error.code) else { return error }
        let message =
            "the stored bytes of version \(base.version) of \(base.module) in \(base.model) cannot be used: "
            + "\(error.message); restore them, or roll the module back"
        return RegistryError(
            .dataLoss, message, cause: TrainerError(.registryUnfit, message, cause: error))
    }
}
