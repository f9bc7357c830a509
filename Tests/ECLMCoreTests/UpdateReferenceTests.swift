import ECLMCore
import Foundation
import PythonReference
import Testing

@Suite("NumPy makes the same updates")
struct UpdateReferenceTests {
    /// Reads trained, base and residual; writes int8, sparse and what each decodes to, by other means than the encoder's.
    static let reference = """
        import sys, math
        import numpy as np
        from safetensors.numpy import load_file, save_file
        folder, fraction = sys.argv[1], float(sys.argv[2])
        trained, base, rest = (load_file(f"{folder}/{name}.safetensors") for name in ("trained", "base", "residual"))
        names = [n for n in base if base[n].dtype.kind == "f"]
        d = {n: (trained[n].astype(np.float64) - base[n] + rest[n]).astype(np.float32) for n in names}
        int8, left8, sparse, left = {}, {}, {}, {}
        for n in names:
            count = d[n].shape[0] if d[n].ndim >= 2 else 1
            rows = d[n].reshape(count, d[n].size // max(count, 1))
            scale = (np.abs(rows).max(axis=1, initial=0) / np.float32(127)).astype(np.float32)
            safe = np.where(scale == 0, np.float32(1), scale)[:, None]
            q = np.clip(np.rint(rows / safe), -127, 127).astype(np.int8)
            int8[n] = q.reshape(d[n].shape)
            int8[n + "#scale"] = scale if d[n].ndim >= 2 else scale.reshape(())
            left8[n] = (rows - scale[:, None].astype(np.float64) * q).astype(np.float32).reshape(d[n].shape)
        flat = np.concatenate([d[n].ravel() for n in names])
        k = math.ceil(fraction * flat.size)
        chosen = np.zeros(flat.size, bool)
        chosen[np.argsort(-np.abs(flat), kind="stable")[:k]] = True
        position = 0
        for n in names:
            mask = chosen[position:position + d[n].size]
            position += d[n].size
            sparse[n + "#indices"] = np.flatnonzero(mask).astype(np.uint32)
            sparse[n + "#values"] = d[n].ravel()[mask]
            left[n] = np.where(mask, np.float32(0), d[n].ravel()).reshape(d[n].shape)
        for name, tensors in (("int8", int8), ("left8", left8), ("sparse", sparse), ("left", left)):
            save_file({k: np.array(v, order="C") for k, v in tensors.items()}, f"{folder}/{name}.safetensors")
        """

    @Test("in 8 bits and sparse, with the same residuals, bit for bit", arguments: [0.01, 0.1, 0.7])
    func matches(fraction: Double) throws {
        let folder = try TemporaryFolder()
        let base = try UpdateEncodingTests.module(seed: 11)
        let trained = try UpdateEncodingTests.module(seed: 12, spread: 0.3, around: base)
        var start: UpdateResidual?
        let other = try UpdateEncodingTests.module(seed: 13, spread: 0.2, around: base)
        _ = try UpdateEncoder.encode(trained: other, base: base, as: .sparseDelta, fraction: 0.3, residual: &start)
        for (name, bytes) in [("base", base), ("trained", trained), ("residual", try #require(start).bytes())] {
            try Data(bytes).write(to: URL(fileURLWithPath: folder.file("\(name).safetensors")))
        }
        try PythonReference.run(Self.reference, folder.path, "\(fraction)")
        func expected(_ name: String) throws -> SafetensorsFile {
            try SafetensorsFile(path: folder.file("\(name).safetensors"))
        }
        for (encoding, rest) in [(UpdateEncoding.int8Delta, "left8"), (.sparseDelta, "left")] {
            var residual = start
            let update = try SafetensorsFile(
                bytes: UpdateEncoder.encode(
                    trained: trained, base: base, as: encoding, fraction: fraction, residual: &residual))
            let left = try SafetensorsFile(bytes: try #require(residual).bytes())
            for tensor in try expected(rest).tensors {
                // Values, so that +0 and -0 are one.
                #expect(try left.tensor(tensor.name).floats() == tensor.floats(), "\(rest) \(tensor.name)")
            }
            if encoding == .int8Delta {
                let numpy = try expected("int8")
                #expect(Set(update.header.tensors) == Set(numpy.header.tensors))
                for tensor in numpy.tensors {
                    #expect(update[tensor.name]?.bytes() == tensor.bytes(), "\(tensor.name)")
                }
                continue
            }
            for tensor in try expected("sparse").tensors where tensor.name.hasSuffix("#indices") {
                let name = String(tensor.name.dropLast("#indices".count))
                var decoder = GapDecoder(elements: 1000)
                let places = try update[name + "#gaps"]?.bytes().compactMap { try decoder.take($0) } ?? []
                let indices = tensor.withUnsafeBytes { bytes in
                    (0..<tensor.elementCount).map {
                        Int(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))
                    }
                }
                #expect(places == indices, "\(name)")
                let values = try expected("sparse").tensor(name + "#values").floats()
                #expect(try (update[name + "#values"]?.floats() ?? []) == values)
            }
        }
    }
}
