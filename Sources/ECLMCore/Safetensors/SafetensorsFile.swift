/// A safetensors file that can be read: a header that holds what it says, and the tensors behind it.
public struct SafetensorsFile: Sendable {
    /// The checked header.
    public let header: SafetensorsHeader
    let storage: Storage

    /// Bytes in memory or mapped from a file.
    enum Storage: Sendable {
        case array([UInt8])
        case mapped(MappedFile)

        func withUnsafeBytes<Result, Failure: Error>(
            _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            switch self {
            case .array(let bytes):
                try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) in try body(UnsafeRawBufferPointer(buffer))
                }
            case .mapped(let file):
                // The lifetime is extended over the body: nothing else keeps the mapping.
                try withExtendedLifetime(file) { () throws(Failure) in try body(file.bytes) }
            }
        }
    }

    /// A file whose bytes are in memory.
    ///
    /// - Throws: ``SafetensorsError`` when the bytes are no acceptable file.
    public init(bytes: [UInt8], limits: SafetensorsLimits = .checkpoint) throws(SafetensorsError) {
        header = try SafetensorsHeader(prefix: bytes, fileByteCount: bytes.count, limits: limits)
        storage = .array(bytes)
    }

    /// A file on disk, mapped into memory: only the parts that are used are read.
    ///
    /// - Throws: ``SafetensorsError`` when the file cannot be opened or is not acceptable.
    public init(path: String, limits: SafetensorsLimits = .checkpoint) throws(SafetensorsError) {
        let file = try MappedFile(path: path, limit: limits.fileBytes)
        header = try SafetensorsHeader(prefix: file.bytes, fileByteCount: file.bytes.count, limits: limits)
        storage = .mapped(file)
    }

    /// All tensors, in the order of the file.
    public var tensors: [TensorView] { header.entries.map { TensorView(entry: $0, storage: storage) } }

    /// The tensor of a name; `nil` when the file holds none.
    public subscript(name: String) -> TensorView? {
        header[name].map { TensorView(entry: $0, storage: storage) }
    }

    /// The tensor of a name.
    ///
    /// - Throws: ``SafetensorsError`` with `noSuchTensor` when the file holds none.
    public func tensor(_ name: String) throws(SafetensorsError) -> TensorView {
        guard let tensor = self[name] else {
            let some = header.entries.prefix(3).map { $0.description.name.debugDescription }.joined(separator: ", ")
            throw SafetensorsError(
                .noSuchTensor,
                "there is no tensor \(name.debugDescription) among the \(header.entries.count), such as \(some)",
                tensor: name)
        }
        return tensor
    }

    /// Calls `body` with the whole file's bytes, valid only during the call.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try storage.withUnsafeBytes(body)
    }
}
