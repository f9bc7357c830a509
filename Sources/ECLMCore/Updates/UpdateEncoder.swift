/// Makes updates of trained weights.
public enum UpdateEncoder {
    /// The part of a module's weights that a sparse update sends unless told otherwise.
    public static let defaultFraction = 0.1

    /// Writes what a device learned as a file in an encoding.
    ///
    /// Equal arguments give equal bytes. A difference is computed in double precision, the residual added, and rounded
    /// once to F32 (`delta` of an F64 tensor: F64).
    ///
    /// - Parameters:
    ///   - trained: The trained weights: the base's tensors, all values finite.
    ///   - base: The version they were trained from.
    ///   - fraction: Of all floating-point weights of the module, the part that `sparse_delta` sends: those that changed
    ///     most, at least one; above 0, at most 1. Other encodings do not use it.
    ///   - residual: What earlier updates did not send; becomes what this one does not. One that does not fit the base is
    ///     dropped. `delta` sends everything and leaves `nil`; `full` sends the trained weights and leaves it untouched.
    /// - Throws: ``UpdateError``.
    public static func encode(
        trained: SafetensorsFile, base: SafetensorsFile, as encoding: UpdateEncoding,
        fraction: Double = defaultFraction, residual: inout UpdateResidual?
    ) throws -> [UInt8] {
        _ = try UpdateLayout(of: trained.header.tensors, as: .full, onto: base.header.tensors)
        for tensor in trained.tensors {
            guard let position = tensor.firstNonFinite() else { continue }
            throw UpdateError(
                .notFinite, "value \(position) of tensor \(tensor.name.debugDescription) is not finite; train again",
                tensor: tensor.name)
        }
        if encoding == .full { return trained.withUnsafeBytes { Array($0) } }
        guard fraction > 0, fraction <= 1 else {
            throw UpdateError(.invalidFraction, "the fraction must be above 0 and at most 1, not \(fraction)")
        }
        let carried = residual.flatMap { $0.fits(base.header.tensors) ? $0 : nil }
        let difference = Difference(trained: trained, base: base, residual: carried)
        var builder = SafetensorsBuilder(limits: .module)
        let rest: UpdateResidual?
        do {
            rest = try encoding.coding.add(difference, fraction: fraction, to: &builder)
            let bytes = try builder.build()
            // Names may collide with those the encoding makes; better here than at the registry's border.
            _ = try UpdateLayout(
                of: SafetensorsHeader(prefix: bytes, fileByteCount: bytes.count, limits: .module).tensors, as: encoding,
                onto: base.header.tensors)
            residual = rest
            return bytes
        } catch let error as SafetensorsError {
            throw UpdateError(
                .unwritable,
                "the update cannot be written as \(encoding.rawValue): \(error.message); submit full weights",
                tensor: error.tensor, cause: error)
        }
    }

    /// Writes an update from bytes in memory; see ``encode(trained:base:as:fraction:residual:)-(SafetensorsFile,_,_,_,_)``.
    ///
    /// - Throws: ``UpdateError``; ``SafetensorsError`` where bytes are no safetensors file.
    public static func encode(
        trained: [UInt8], base: [UInt8], as encoding: UpdateEncoding, fraction: Double = defaultFraction,
        residual: inout UpdateResidual?
    ) throws -> [UInt8] {
        try encode(
            trained: SafetensorsFile(bytes: trained, limits: .module),
            base: SafetensorsFile(bytes: base, limits: .module), as: encoding, fraction: fraction, residual: &residual)
    }
}
