import CLibPQ
import Logging

extension ConnectionCore {
    /// Runs one statement with the extended protocol.
    func query(_ statement: Statement, shielded: Bool = false) async throws -> ResultStorage {
        try await run(shielded: shielded) {
            if bringsTransaction {
                do {
                    return try await runInTransaction([statement])[0]
                } catch var error as PostgresError {
                    error.statementIndex = nil
                    throw error
                }
            }
            try await deallocateDropped()
            guard statements.capacity > 0 else {
                try send(statement.text) { handle in
                    try ParameterPointers.with(statement.values) { values, lengths, formats in
                        PQsendQueryParams(
                            handle, statement.text, CInt(values.count), statement.types, values, lengths, formats, 1)
                    }
                }
                return try await collect(statement.text)
            }
            let wasIdle = PQtransactionStatus(try live()) == PQTRANS_IDLE
            if let name = statements.name(for: statement.key) {
                do {
                    return try await execute(name, statement)
                } catch let error as PostgresError where error.code == .planInvalidated {
                    statements.remove(statement.key)
                    // In a transaction the error has aborted everything, so its owner has to start again.
                    guard wasIdle else { throw error }
                    logger.debug("prepared statement is out of date; preparing it again")
                    try await deallocateDropped()
                }
            }
            return try await execute(try await prepare(statement), statement)
        }
    }

    /// Runs statements without parameters with the simple protocol, outside the cache: those that begin and end
    /// transactions.
    func control(_ text: String, shielded: Bool) async throws {
        try await run(shielded: shielded) { _ = try await simple(text) }
    }

    /// The text may hold several statements, which the simple protocol runs in one implicit transaction.
    func script(_ text: String) async throws {
        try checkStatementText(text)
        try await run {
            if bringsTransaction {
                try await runInTransaction(script: text)
            } else {
                try await simple(text)
            }
        }
    }

    /// Part of an operation: the simple protocol; the last result.
    @discardableResult
    func simple(_ text: String) async throws -> ResultStorage {
        try send(text) { PQsendQuery($0, text) }
        return try await collect(text)
    }

    private func execute(_ name: String, _ statement: Statement) async throws -> ResultStorage {
        try send(statement.text) { handle in
            try ParameterPointers.with(statement.values) { values, lengths, formats in
                PQsendQueryPrepared(handle, name, CInt(values.count), values, lengths, formats, 1)
            }
        }
        return try await collect(statement.text)
    }

    private func prepare(_ statement: Statement) async throws -> String {
        // Before, not after, so that the server never holds more than the cache.
        statements.makeRoom()
        try await deallocateDropped()
        let name = statements.nextName()
        try send(statement.text) {
            PQsendPrepare($0, name, statement.text, CInt(statement.types.count), statement.types)
        }
        _ = try await collect(statement.text)
        statements.insert(name, for: statement.key)
        return name
    }

    /// Frees what the cache dropped. In an aborted transaction the server would refuse, so that waits.
    func deallocateDropped() async throws {
        guard !statements.dropped.isEmpty, PQtransactionStatus(try live()) != PQTRANS_INERROR else { return }
        for name in statements.takeDropped() {
            do {
                try await simple("DEALLOCATE \(name)")
            } catch let error as PostgresError where error.sqlState == "26000" {
                // Somebody ran DEALLOCATE ALL or DISCARD ALL: it is gone, which is what was wanted.
            }
        }
    }

    /// Calls one of libpq's send functions, which return 1 when the message is queued.
    func send(_ text: String, _ body: (OpaquePointer) throws -> CInt) throws {
        let handle = try live()
        guard try body(handle) == 1 else {
            var error = connectionError(handle)
            if PQstatus(handle) != CONNECTION_BAD { error.code = .usage }
            error.statement = text
            throw error
        }
        needsFlush = true
    }

    /// libpq's next result, `nil` at the end of the command.
    func nextResult() async throws -> ResultStorage? {
        try await answer(.result)
        return PQgetResult(try live()).map(ResultStorage.init)
    }

    /// Takes all results of a command and returns the last, or throws the first error once all are taken.
    func collect(_ text: String) async throws -> ResultStorage {
        var last: ResultStorage?
        var failure: PostgresError?
        while let result = try await nextResult() {
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                last = result
            case PGRES_COPY_IN:
                failure = failure ?? copyMisuse(text)
                guard PQputCopyEnd(try live(), "COPY needs copyIn") >= 0 else { throw connectionError(try live()) }
                needsFlush = true
            case PGRES_COPY_OUT:
                failure = failure ?? copyMisuse(text)
                while try await copyOutBatch() != nil {}
            case PGRES_COPY_BOTH:
                failure = copyMisuse(text)
                markLost(copyMisuse(text))
            default:
                failure = failure ?? self.failure(result, statement: text)
            }
        }
        if let failure { throw failure }
        guard let last else {
            throw PostgresError(code: .connectionLost, message: "the server sent no result")
        }
        return last
    }

    private func copyMisuse(_ text: String) -> PostgresError {
        var error = PostgresError(code: .usage, message: "COPY with the client goes through copyIn or copyOut")
        error.statement = text
        return error
    }

    /// The error a result holds, seen with what this side knows: whether it asked to cancel, and whether the connection
    /// survives.
    func failure(_ result: ResultStorage, statement: String?) -> PostgresError {
        var error = result.error(statement: statement)
        if error.sqlState == "57014" {
            if operation?.cancelRequested == true {
                error.code = .cancelled
            } else if let operation, isStatementTimeout(error, started: operation.started) {
                error.code = .statementTimedOut
            }
        } else if result.saysPlanInvalid {
            error.code = .planInvalidated
        }
        if result.isFatal || isBroken || handle.map({ PQstatus($0) == CONNECTION_BAD }) ?? true {
            error.code = .connectionLost
            markLost(error)
        }
        return error
    }

    /// The server has one SQLSTATE for all cancellations. Its message tells them apart but may be translated, and then the
    /// time that has passed has to tell.
    private func isStatementTimeout(_ error: PostgresError, started: ContinuousClock.Instant) -> Bool {
        if error.message.contains("statement timeout") { return true }
        guard !error.message.contains("user request"), let limit = configuration.statementTimeout else { return false }
        return ContinuousClock.now - started >= limit
    }
}
