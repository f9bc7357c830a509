/// Collects tensors and makes a safetensors file of them, in memory.
///
/// Equal tensors and metadata give equal bytes, in whatever order they were added. For files too large for memory see
/// ``SafetensorsWriter``.
public struct SafetensorsBuilder: Sendable {
    /// Strings for `__metadata__`.
    public var metadata: [ExactText: String]
    private let limits: SafetensorsLimits
    private var descriptions: [TensorDescription] = []
    private var values: [ExactText: [UInt8]] = [:]

    /// A builder without tensors.
    public init(metadata: [ExactText: String] = [:], limits: SafetensorsLimits = .checkpoint) {
        self.metadata = metadata
        self.limits = limits
    }

    /// Adds a tensor.
    ///
    /// - Parameters:
    ///   - tensor: Its name, dtype and shape.
    ///   - bytes: Its values: row-major, little-endian.
    /// - Throws: ``SafetensorsError`` when the name is taken or the bytes do not fill the shape.
    public mutating func add(_ tensor: TensorDescription, bytes: [UInt8]) throws(SafetensorsError) {
        try SafetensorsLayout.check(name: tensor.name, limits: limits)
        let needed = try SafetensorsLayout.byteCount(of: tensor)
        guard bytes.count == needed else {
            throw SafetensorsError(
                .invalidWrite,
                "\(bytes.count) bytes were given for tensor \(tensor.name.debugDescription), "
                    + "\(tensor.dtype.rawValue) of shape \(tensor.shape) takes \(needed)", tensor: tensor.name)
        }
        guard values.updateValue(bytes, forKey: ExactText(tensor.name)) == nil else {
            throw SafetensorsError(
                .duplicateName, "tensor \(tensor.name.debugDescription) appears twice", tensor: tensor.name)
        }
        descriptions.append(tensor)
    }

    /// Adds a tensor of floating-point values, converted to `dtype`.
    ///
    /// - Throws: ``SafetensorsError`` as ``add(_:bytes:)``, and when `dtype` is no floating-point type.
    public mutating func add(
        _ name: String, shape: [Int], dtype: ElementType = .f32, floats: [Float]
    ) throws(SafetensorsError) {
        guard dtype.isFloatingPoint else {
            throw SafetensorsError(
                .notFloatingPoint, "tensor \(name.debugDescription) cannot be written as \(dtype.rawValue) from floats",
                tensor: name)
        }
        try add(TensorDescription(name: name, dtype: dtype, shape: shape), bytes: dtype.encode(floats))
    }

    /// Where the tensors added so far would lie.
    ///
    /// - Throws: ``SafetensorsError`` when a limit is exceeded.
    public func layout() throws(SafetensorsError) -> SafetensorsLayout {
        try SafetensorsLayout(tensors: descriptions, metadata: metadata, limits: limits)
    }

    /// The file with the tensors added so far.
    ///
    /// - Throws: ``SafetensorsError`` when a limit is exceeded.
    public func build() throws(SafetensorsError) -> [UInt8] {
        let layout = try layout()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(layout.byteCount)
        bytes += layout.headerBytes
        for entry in layout.header.entries {
            bytes += values[ExactText(entry.description.name)] ?? []
        }
        assert(bytes.count == layout.byteCount)
        return bytes
    }
}
