import Synchronization

extension PostgresConnection {
    /// Loads rows with COPY, by far the fastest way in.
    ///
    /// - Parameters:
    ///   - sql: `COPY table (columns) FROM STDIN (FORMAT binary)`.
    ///   - body: writes the rows; when it throws, nothing is loaded. Memory stays bounded: ``PostgresCopyWriter/row(_:)``
    ///     waits while the server is behind.
    /// - Returns: the number of rows.
    @discardableResult
    nonisolated(nonsending)
        public func copyIn(
            _ sql: String, _ body: nonisolated(nonsending) (PostgresCopyWriter) async throws -> Void
        ) async throws -> Int
    {
        if bringsTransaction { return try await transaction { try await $0.copyIn(sql, body) } }
        try await scope.gate.acquire()
        defer { scope.gate.release() }
        let columns = try await core.startCopyIn(sql)
        let writer = PostgresCopyWriter(core: core, columns: columns)
        do {
            let tokens = AsyncGate.heldTokens + [scope.gate.mark()]
            try await AsyncGate.$heldTokens.withValue(tokens) { try await body(writer) }
            try await writer.finish()
        } catch {
            writer.end()
            // Ends with the server's error, which says no more than that the copy was aborted, unless the server had
            // failed by itself: then its error is the reason.
            do {
                _ = try await core.endCopyIn(sql, abort: "the client aborted the copy")
            } catch let server as PostgresError where server.code != .cancelled && server.sqlState != "57014" {
                if server.code != .connectionLost || (error as? PostgresError)?.code == .connectionLost { throw server }
            } catch {}
            throw error
        }
        return try await core.endCopyIn(sql)
    }

    /// Reads rows with COPY as they come, with bounded memory.
    ///
    /// - Parameters:
    ///   - sql: `COPY table (columns) TO STDOUT (FORMAT binary)`, or a query in parentheses.
    ///   - body: takes one row at a time; when it throws, the copy is cancelled.
    /// - Returns: the number of rows.
    @discardableResult
    nonisolated(nonsending)
        public func copyOut(
            _ sql: String, _ body: nonisolated(nonsending) (PostgresCopyRow) async throws -> Void
        ) async throws -> Int
    {
        if bringsTransaction { return try await transaction { try await $0.copyOut(sql, body) } }
        try await scope.gate.acquire()
        defer { scope.gate.release() }
        _ = try await core.startCopyOut(sql)
        do {
            let tokens = AsyncGate.heldTokens + [scope.gate.mark()]
            try await AsyncGate.$heldTokens.withValue(tokens) {
                var parser = CopyParser()
                while let batch = try await core.nextCopyBatch() {
                    for message in batch {
                        try parser.begin(message)
                        while let row = try parser.next() { try await body(row) }
                    }
                }
            }
        } catch {
            await core.abortCopyOut(sql)
            throw error
        }
        return try await core.endCopyOut(sql)
    }

    /// Whether a COPY has to bring its transaction: the session is lent, and this is no transaction's connection.
    private var bringsTransaction: Bool { scope.depth == 0 && isLent }
}
