/// Writes the rows of a COPY in PostgreSQL's binary format; usable only inside ``PostgresConnection/copyIn(_:_:)``.
public final class PostgresCopyWriter {
    /// Values from this size on go to libpq from where they are, without being gathered first.
    private static let largeValue = 32 * 1024

    private let core: ConnectionCore
    private let columns: Int
    private var buffer: [UInt8]
    private var hasEnded = false

    init(core: ConnectionCore, columns: Int) {
        self.core = core
        self.columns = columns
        // The header: signature, flags, length of the extension (manual, COPY, "Binary Format").
        buffer = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
        buffer += [UInt8](repeating: 0, count: 8)
    }

    /// Writes one row, a value or NULL for each column. There are no casts in a COPY: each value's type must be exactly
    /// its column's. Waits while the server is behind.
    /// - Throws: `.usage` for a wrong number of values; `.cancelled` when the task was cancelled. Either aborts the copy.
    nonisolated(nonsending)
        public func row(_ values: [(any PostgresEncodable)?]) async throws
    {
        guard !hasEnded else { throw PostgresError(code: .usage, message: "the copy has ended") }
        guard values.count == columns else {
            throw PostgresError(
                code: .usage, message: "the copy takes \(columns) columns, and the row has \(values.count) values")
        }
        if Task.isCancelled { throw PostgresError.taskCancelled }
        buffer.append(bigEndian: Int16(truncatingIfNeeded: columns))
        for value in values {
            guard let value else {
                buffer.append(bigEndian: Int32(-1))
                continue
            }
            let bytes = try value.encoded()
            guard bytes.count <= 0x3FFF_FFFF else {
                throw PostgresError(code: .usage, message: "a value of 1 GiB or more does not fit PostgreSQL")
            }
            buffer.append(bigEndian: Int32(bytes.count))
            if bytes.count >= Self.largeValue {
                try await flush()
                try await core.putCopy(bytes)
            } else {
                buffer.append(contentsOf: bytes)
            }
        }
        if buffer.count >= ConnectionCore.copyChunk { try await flush() }
    }

    nonisolated(nonsending)
        func finish() async throws
    {
        buffer.append(bigEndian: Int16(-1))
        try await flush()
        hasEnded = true
    }

    func end() { hasEnded = true }

    nonisolated(nonsending)
        private func flush() async throws
    {
        guard !buffer.isEmpty else { return }
        let full = buffer
        buffer = []
        buffer.reserveCapacity(ConnectionCore.copyChunk + Self.largeValue)
        try await core.putCopy(full[...])
    }
}
