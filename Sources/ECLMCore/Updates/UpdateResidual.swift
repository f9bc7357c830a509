/// What updates have not sent yet of what a device learned of a module: the error that the next difference makes good.
///
/// Error feedback (Seide et al. 2014; Karimireddy et al. 2019): what rounding or leaving out cost an update is added to
/// the next one's difference, so that over the rounds nothing is lost, only late. Stored as a safetensors file of F32
/// tensors with the base's names and shapes.
public struct UpdateResidual: Sendable, Hashable {
    struct Values: Sendable, Hashable {
        var shape: [Int]
        var floats: [Float]
    }

    var tensors: [ExactText: Values]

    init(tensors: [ExactText: Values]) {
        self.tensors = tensors
    }

    /// A stored residual.
    ///
    /// - Throws: ``SafetensorsError`` for a file that is not acceptable or has other tensors than F32.
    public init(bytes: [UInt8]) throws {
        try self.init(file: SafetensorsFile(bytes: bytes, limits: .module))
    }

    /// A stored residual.
    ///
    /// - Throws: ``SafetensorsError`` for a file that has other tensors than finite ones of F32.
    public init(file: SafetensorsFile) throws {
        tensors = [:]
        for tensor in file.tensors {
            guard tensor.dtype == .f32, tensor.firstNonFinite() == nil else {
                throw SafetensorsError(
                    .notFloatingPoint, "tensor \(tensor.name.debugDescription) of a residual is not finite F32",
                    tensor: tensor.name)
            }
            tensors[ExactText(tensor.name)] = Values(shape: tensor.shape, floats: try tensor.floats())
        }
    }

    /// The residual as a safetensors file.
    ///
    /// - Throws: ``SafetensorsError`` when a limit is exceeded.
    public func bytes() throws -> [UInt8] {
        var builder = SafetensorsBuilder(limits: .module)
        for (name, values) in tensors.sorted(by: { $0.key < $1.key }) {
            try builder.add(name.string, shape: values.shape, floats: values.floats)
        }
        return try builder.build()
    }

    /// Whether it belongs to these tensors: a version of other shapes has no use for it.
    public func fits(_ base: [TensorDescription]) -> Bool {
        let floating = base.filter(\.dtype.isFloatingPoint)
        return floating.count == tensors.count && floating.allSatisfy { tensors[ExactText($0.name)]?.shape == $0.shape }
    }

    /// The Euclidean norm over all values.
    public var norm: Double {
        tensors.keys.sorted().reduce(0.0) { sum, name in
            (tensors[name]?.floats ?? []).reduce(sum) { $0 + Double($1) * Double($1) }
        }.squareRoot()
    }
}
