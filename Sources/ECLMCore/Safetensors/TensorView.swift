/// One tensor of a ``SafetensorsFile``: its description, and its values without a copy. Keeps the file alive.
public struct TensorView: Sendable {
    private let entry: SafetensorsHeader.Entry
    private let storage: SafetensorsFile.Storage

    init(entry: SafetensorsHeader.Entry, storage: SafetensorsFile.Storage) {
        self.entry = entry
        self.storage = storage
    }

    /// Name, dtype and shape.
    public var description: TensorDescription { entry.description }
    public var name: String { entry.description.name }
    /// The element type.
    public var dtype: ElementType { entry.description.dtype }
    /// The extents, outermost first.
    public var shape: [Int] { entry.description.shape }
    /// The number of elements.
    public var elementCount: Int { byteCount / dtype.byteCount }
    /// The bytes of the values.
    public var byteCount: Int { entry.byteRange.count }

    /// Calls `body` with the values: row-major, little-endian, of any alignment, valid only during the call.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try storage.withUnsafeBytes { (bytes) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: bytes[entry.byteRange]))
        }
    }

    /// A copy of the values' bytes.
    public func bytes() -> [UInt8] { withUnsafeBytes { Array($0) } }

    /// The values in single precision, row-major. F64 is rounded; what exceeds single precision becomes infinite.
    ///
    /// - Throws: ``SafetensorsError`` with `notFloatingPoint` for an integer or boolean tensor.
    public func floats() throws(SafetensorsError) -> [Float] {
        try requireFloatingPoint()
        return withUnsafeBytes { bytes in
            [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
                dtype.decode(bytes, into: UnsafeMutableBufferPointer(rebasing: buffer[..<elementCount]))
                count = elementCount
            }
        }
    }

    /// The values in double precision, which holds each of them exactly; the tensor must be a floating-point one.
    package func doubles() -> [Double] {
        withUnsafeBytes { bytes in
            [Double](unsafeUninitializedCapacity: elementCount) { buffer, count in
                dtype.decode(bytes, into: UnsafeMutableBufferPointer(rebasing: buffer[..<elementCount]))
                count = elementCount
            }
        }
    }

    /// The position of the first value that is NaN or infinite; `nil` when all are finite, or are integers.
    public func firstNonFinite() -> Int? {
        withUnsafeBytes { dtype.firstNonFinite(in: $0) }
    }

    private func requireFloatingPoint() throws(SafetensorsError) {
        guard dtype.isFloatingPoint else {
            throw SafetensorsError(
                .notFloatingPoint,
                "tensor \(name.debugDescription) is \(dtype.rawValue); F64, F32, F16 or BF16 is needed",
                tensor: name)
        }
    }
}
