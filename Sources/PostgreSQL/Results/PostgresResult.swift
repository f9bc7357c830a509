import CLibPQ

/// The rows a statement returned, or the number of rows it changed.
///
/// Cheap to pass around: results and rows share the memory libpq received them in.
public struct PostgresResult: Sendable, RandomAccessCollection {
    let storage: ResultStorage

    /// The rows inserted, updated, deleted, or selected.
    public var rowsAffected: Int { storage.rowsAffected }
    public var columnNames: [String] { storage.columns.map(\.name) }
    /// The server's tag for what it did, such as `INSERT 0 1`.
    public var commandTag: String { String(cString: PQcmdStatus(storage.pointer)) }

    /// 0.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { storage.rowCount }
    /// A row.
    public subscript(position: Int) -> PostgresRow {
        precondition(indices.contains(position), "row index out of range")
        return PostgresRow(storage: storage, row: CInt(position))
    }

    /// The only row.
    /// - Throws: ``PostgresError`` with code `.decoding` where there is none or more than one.
    public func one() throws -> PostgresRow {
        guard count == 1 else {
            throw PostgresError(code: .decoding, message: "the statement returned \(count) rows where one was expected")
        }
        return self[0]
    }

    /// The only row, or `nil`.
    /// - Throws: ``PostgresError`` with code `.decoding` where there is more than one.
    public func oneOrNone() throws -> PostgresRow? { isEmpty ? nil : try one() }
}

/// One row of a result.
public struct PostgresRow: Sendable {
    let storage: ResultStorage
    let row: CInt

    /// The number of columns.
    public var count: Int { storage.columns.count }

    /// Reads a column by name; the name is compared exactly. `T` may be an optional, which takes NULL.
    /// - Throws: ``PostgresError`` with code `.decoding` naming the column and both types.
    public func decode<T: PostgresDecodable>(_ column: String, as type: T.Type = T.self) throws -> T {
        guard let index = storage.columns.firstIndex(where: { $0.name == column }) else {
            var error = PostgresError(
                code: .decoding,
                message: "the result has no column \"\(column)\"; it has "
                    + storage.columns.map { "\"\($0.name)\"" }.joined(separator: ", "))
            error.column = column
            throw error
        }
        return try decode(index, as: type)
    }

    /// Reads a column by its position from 0. `T` may be an optional, which takes NULL.
    /// - Throws: ``PostgresError`` with code `.decoding` naming the column and both types.
    public func decode<T: PostgresDecodable>(_ index: Int, as type: T.Type = T.self) throws -> T {
        guard storage.columns.indices.contains(index) else {
            throw PostgresError(
                code: .decoding, message: "there is no column \(index); the result has \(count) columns")
        }
        let column = storage.columns[index]
        guard let bytes = storage.bytes(row: row, column: CInt(index)) else {
            if let null = T.null { return null }
            throw PostgresField(column: column.name, type: column.type, bytes: .init(start: nil, count: 0))
                .failure("is NULL, and \(T.self) takes no NULL; read it as \(T.self)?")
        }
        return try withExtendedLifetime(storage) {
            try T.decode(PostgresField(column: column.name, type: column.type, bytes: bytes))
        }
    }

    /// Whether a column is NULL.
    /// - Throws: ``PostgresError`` with code `.decoding` where there is no such column.
    public func isNull(_ column: String) throws -> Bool {
        guard let index = storage.columns.firstIndex(where: { $0.name == column }) else {
            throw PostgresError(code: .decoding, message: "the result has no column \"\(column)\"")
        }
        return PQgetisnull(storage.pointer, row, CInt(index)) == 1
    }
}
