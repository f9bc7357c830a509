import CLibPQ

extension ConnectionCore {
    /// Begins a transaction of the given level, whatever the session's own would be.
    func begin(_ isolation: PostgresIsolation, readOnly: Bool) async throws {
        try await control(try opening(isolation, readOnly: readOnly), shielded: false)
    }

    /// Commits, which in an aborted transaction would quietly roll back instead: that is an error.
    func commit(savepoint: String?) async throws {
        guard PQtransactionStatus(try live()) == PQTRANS_INTRANS else {
            throw PostgresError(
                code: .transactionAborted,
                message: "nothing was committed: a statement in the transaction failed, or ended it, and the closure "
                    + "returned normally; let the error through, or put the statement into a nested transaction")
        }
        // Shielded: a COMMIT that has been sent is waited for, so that its outcome is known.
        try await control(savepoint.map { "RELEASE SAVEPOINT \($0)" } ?? "COMMIT", shielded: true)
    }

    /// Rolls back if there is anything to; a connection where even that fails is given up.
    func rollBack(savepoint: String?) async {
        guard let handle, PQtransactionStatus(handle) != PQTRANS_IDLE else { return }
        do {
            if let savepoint {
                try await control("ROLLBACK TO SAVEPOINT \(savepoint); RELEASE SAVEPOINT \(savepoint)", shielded: true)
            } else {
                try await control("ROLLBACK", shielded: true)
            }
        } catch {
            markLost(
                PostgresError(code: .connectionLost, message: "a transaction could not be rolled back", cause: error))
        }
    }
}
