import CLibPQ

/// Owns a `PGresult`.
///
/// `@unchecked Sendable` holds because a `PGresult` is never changed once `PQgetResult` has returned it: libpq documents it
/// as independent of the connection and safe to read from several threads, and it is freed only when no reference is left.
final class ResultStorage: @unchecked Sendable {
    struct Column: Sendable {
        let name: String
        let type: PostgresType
    }

    let pointer: OpaquePointer
    let columns: [Column]
    let rowCount: Int

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        // The columns of a COPY have no names.
        columns = (0..<PQnfields(pointer)).map {
            Column(
                name: PQfname(pointer, $0).map { String(cString: $0) } ?? "",
                type: PostgresType(rawValue: PQftype(pointer, $0)))
        }
        rowCount = Int(PQntuples(pointer))
    }

    deinit { PQclear(pointer) }

    var status: ExecStatusType { PQresultStatus(pointer) }

    var rowsAffected: Int { PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0 }

    /// A value's bytes, valid as long as this object; `nil` for NULL.
    func bytes(row: CInt, column: CInt) -> UnsafeRawBufferPointer? {
        if PQgetisnull(pointer, row, column) == 1 { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(pointer, row, column), count: Int(PQgetlength(pointer, row, column)))
    }

    /// A field of an error (protocol manual, "Error and Notice Message Fields").
    func field(_ code: Unicode.Scalar) -> String? {
        PQresultErrorField(pointer, CInt(code.value)).map { String(cString: $0) }
    }

    /// Whether the server ends the connection after this error.
    var isFatal: Bool {
        let severity = field("V") ?? field("S")
        return severity == "FATAL" || severity == "PANIC"
    }

    /// Whether the error says that a prepared statement has to be prepared again. The message is translated, so the
    /// function that reports it (the error's field R) has to tell.
    var saysPlanInvalid: Bool {
        switch field("C") {
        case "0A000": field("R") == "RevalidateCachedQuery"
        case "26000": true
        default: false
        }
    }

    func error(statement: String?) -> PostgresError {
        let state = field("C")
        var error = PostgresError(
            code: state.map(PostgresError.Code.forSQLState) ?? .other,
            message: field("M") ?? String(cString: PQresultErrorMessage(pointer)).trimmedLine)
        error.sqlState = state
        error.detail = field("D")
        error.hint = field("H")
        error.constraint = field("n")
        error.table = field("t")
        error.column = field("c")
        error.statement = statement
        return error
    }
}
