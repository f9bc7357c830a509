/// How strictly concurrent transactions are kept apart (PostgreSQL manual, chapter 13).
public enum PostgresIsolation: String, Sendable {
    /// Each statement sees what was committed before it.
    case readCommitted = "READ COMMITTED"
    /// All statements see the same snapshot.
    case repeatableRead = "REPEATABLE READ"
    /// As if transactions ran one after another; be ready to repeat.
    case serializable = "SERIALIZABLE"
}

extension PostgresConnection {
    /// Runs `body` in a transaction and commits it, or rolls it back when `body` throws or the task is cancelled.
    ///
    /// The connection passed to `body` is the only way to it until then; everybody else waits. On that connection,
    /// `transaction` makes a savepoint: its body may fail without failing the whole.
    /// - Parameters:
    ///   - isolation: the level; `nil` for READ COMMITTED, whatever the server's default. Only for the outermost transaction.
    ///   - readOnly: lets the server refuse writes. Only for the outermost transaction.
    /// - Throws: what `body` throws; `.transactionAborted` where `body` hid a statement's error, so that there was nothing
    ///   to commit; `.connectionLost` during COMMIT, when it is unknown whether it took effect.
    nonisolated(nonsending)
        public func transaction<R>(
            isolation: PostgresIsolation? = nil, readOnly: Bool = false,
            _ body: nonisolated(nonsending) (PostgresConnection) async throws -> R
        ) async throws -> R
    {
        try await scope.gate.acquire()
        defer { scope.gate.release() }
        let savepoint = scope.depth > 0 ? "eclm_\(scope.depth)" : nil
        guard savepoint == nil || (isolation == nil && !readOnly) else {
            throw PostgresError(
                code: .usage, message: "isolation and readOnly belong to the outermost transaction, not to a savepoint")
        }
        if let savepoint {
            try await core.control("SAVEPOINT \(savepoint)", shielded: false)
        } else {
            try await core.begin(isolation ?? .readCommitted, readOnly: readOnly)
        }
        let inner = ConnectionScope(depth: scope.depth + 1)
        let connection = PostgresConnection(core: core, scope: inner)
        do {
            let tokens = AsyncGate.heldTokens + [scope.gate.mark()]
            let value = try await AsyncGate.$heldTokens.withValue(tokens) { try await body(connection) }
            await inner.gate.close(Self.endedTransaction)
            if Task.isCancelled { throw PostgresError.taskCancelled }
            try await core.commit(savepoint: savepoint)
            return value
        } catch {
            await inner.gate.close(Self.endedTransaction)
            await core.rollBack(savepoint: savepoint)
            throw error
        }
    }

    private static let endedTransaction = "the transaction has ended; its connection must not be kept"
}
