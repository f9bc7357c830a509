#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes a safetensors file to disk tensor by tensor, without holding it in memory.
///
/// The file appears under its name only when it is complete: until ``finish()`` the bytes are in `PATH.partial`, which
/// is removed when the writer goes away unfinished. Not for use by several tasks at once.
public final class SafetensorsWriter {
    /// The layout; tensors must be written in the order of its entries.
    public let layout: SafetensorsLayout
    private let path: String
    private var file: OpenFile<SafetensorsError>?
    private var digest = DigestBuilder()
    private var position = 0
    private var written = 0

    private var partialPath: String { path + ".partial" }

    /// Creates the file and writes its header.
    ///
    /// - Throws: ``SafetensorsError`` when the operating system refuses.
    public init(layout: SafetensorsLayout, path: String) throws(SafetensorsError) {
        self.layout = layout
        self.path = path
        file = try OpenFile(path + ".partial", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try layout.headerBytes.withUnsafeBufferPointer { (buffer) throws(SafetensorsError) in
            try put(UnsafeRawBufferPointer(buffer))
        }
        written = layout.headerBytes.count
    }

    deinit {
        if file != nil { unlink(partialPath) }
    }

    /// Appends values to a tensor, all of them or the next piece.
    ///
    /// - Throws: ``SafetensorsError`` with `invalidWrite` when another tensor comes next or the tensor has no room left.
    public func append(_ bytes: UnsafeRawBufferPointer, to name: String) throws(SafetensorsError) {
        while position < layout.header.entries.count, layout.header.entries[position].byteRange.upperBound == written,
            ExactText(layout.header.entries[position].description.name) != ExactText(name)
        {
            position += 1
        }
        guard file != nil, position < layout.header.entries.count,
            ExactText(layout.header.entries[position].description.name) == ExactText(name)
        else {
            throw SafetensorsError(
                .invalidWrite, "tensor \(name.debugDescription) is not next; write in the order of the layout",
                tensor: name)
        }
        let room = layout.header.entries[position].byteRange.upperBound - written
        guard bytes.count <= room else {
            throw SafetensorsError(
                .invalidWrite,
                "\(bytes.count) bytes are too many for tensor \(name.debugDescription): \(room) are left",
                tensor: name)
        }
        try put(bytes)
        written += bytes.count
    }

    /// Appends values to a tensor; see ``append(_:to:)-(UnsafeRawBufferPointer,_)``.
    public func append(_ bytes: [UInt8], to name: String) throws(SafetensorsError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(SafetensorsError) in
            try append(UnsafeRawBufferPointer(buffer), to: name)
        }
    }

    /// Makes the file durable, gives it its name and returns the digest of its bytes.
    ///
    /// - Throws: ``SafetensorsError`` when a tensor is unfinished or the operating system refuses.
    public func finish() throws(SafetensorsError) -> Digest {
        guard let file, written == layout.byteCount else {
            throw SafetensorsError(
                .invalidWrite, "\(layout.byteCount - written) bytes are still to be written to \(path)")
        }
        try file.synchronize()
        self.file = nil
        do throws(SafetensorsError) {
            try OpenFile<SafetensorsError>.rename(partialPath, to: path)
        } catch {
            unlink(partialPath)
            throw error
        }
        // Where the file system lets a folder be opened.
        try? OpenFile<SafetensorsError>.synchronizeFolder(of: path)
        return digest.finalize()
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
        digest.update(bytes)
        try file?.write(bytes, at: Int64(written))
    }
}
